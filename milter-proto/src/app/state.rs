//! The values that hooks are called on: one per connection, one per message, or both.

/// The values that hooks borrow. The library begins and ends messages, so nobody has to remember a reset.
pub trait State: Send + 'static {
    /// What the hooks outside of a message are called on.
    type Connection: Send + 'static;
    /// What the hooks of a message are called on.
    type Message: Send + 'static;

    /// The connection's value.
    fn connection(&mut self) -> &mut Self::Connection;

    /// The message's value, which begins if there is none.
    fn message(&mut self) -> &mut Self::Message;

    /// Drops the message's value, if it has one of its own.
    fn end_message(&mut self);
}

/// One value for all stages.
#[derive(Debug)]
pub struct PerConnection<A> {
    pub(super) value: A,
}

impl<A: Send + 'static> State for PerConnection<A> {
    type Connection = A;
    type Message = A;

    fn connection(&mut self) -> &mut A {
        &mut self.value
    }

    fn message(&mut self) -> &mut A {
        &mut self.value
    }

    fn end_message(&mut self) {}
}

/// One value for each message; the connection has none.
#[derive(Debug)]
pub struct PerMessage<M, F> {
    pub(super) nothing: (),
    pub(super) message: Option<M>,
    pub(super) begin: F,
}

impl<M: Send + 'static, F: Fn() -> M + Send + 'static> State for PerMessage<M, F> {
    type Connection = ();
    type Message = M;

    fn connection(&mut self) -> &mut () {
        &mut self.nothing
    }

    fn message(&mut self) -> &mut M {
        self.message.get_or_insert_with(&self.begin)
    }

    fn end_message(&mut self) {
        self.message = None;
    }
}

/// One value for the connection, which makes one for each message.
#[derive(Debug)]
pub struct ConnectionAndMessage<C, M, F> {
    pub(super) connection: C,
    pub(super) message: Option<M>,
    pub(super) begin: F,
}

impl<C, M, F> State for ConnectionAndMessage<C, M, F>
where
    C: Send + 'static,
    M: Send + 'static,
    F: Fn(&mut C) -> M + Send + 'static,
{
    type Connection = C;
    type Message = M;

    fn connection(&mut self) -> &mut C {
        &mut self.connection
    }

    fn message(&mut self) -> &mut M {
        self.message.get_or_insert_with(|| (self.begin)(&mut self.connection))
    }

    fn end_message(&mut self) {
        self.message = None;
    }
}
