//! One name for any filter.

use super::hook::{Declaration, Hooks};
use super::milter::Milter;
use super::state::State;
use crate::negotiation::{Protocol, Wish};
use crate::verdict::FailureVerdict;
use alloc::sync::Arc;

/// What a server is made of: a [`Milter`], or an `Arc` of one. The one name for any filter:
/// `fn build(config: &Config) -> impl Application`. Sealed.
pub trait Application: sealed::Sealed + Send + Sync + 'static {
    /// The values of a connection.
    type State: State;
    /// The hooks.
    type Hooks: Hooks<Self::State>;

    /// Makes the values of a connection.
    #[doc(hidden)]
    fn state(&self) -> Self::State;

    #[doc(hidden)]
    fn hooks(&self) -> &Self::Hooks;

    #[doc(hidden)]
    fn settings(&self) -> &Settings;

    /// What will be asked of an MTA.
    fn wish(&self) -> Wish {
        let mut declaration = Declaration::default();
        self.hooks().declare(&mut declaration);
        self.settings().wish_with(declaration)
    }
}

impl<T: Application> Application for Arc<T> {
    type State = T::State;
    type Hooks = T::Hooks;

    fn state(&self) -> T::State {
        (**self).state()
    }

    fn hooks(&self) -> &T::Hooks {
        (**self).hooks()
    }

    fn settings(&self) -> &Settings {
        (**self).settings()
    }
}

/// What is set beside the hooks.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(super) wish: Wish,
    pub(super) failure: FailureVerdict,
    pub(super) track_headers: bool,
    pub(super) max_modifications: Option<usize>,
}

impl Settings {
    fn wish_with(&self, declaration: Declaration) -> Wish {
        let mut wish = self.wish.clone();
        wish.declare(declaration.answered, declaration.silent, self.track_headers);
        if declaration.skips {
            wish.request(Protocol::SKIP);
        }
        wish
    }
}

mod sealed {
    pub trait Sealed {}

    impl<F, H> Sealed for super::Milter<F, H> {}
    impl<T: super::Application> Sealed for alloc::sync::Arc<T> {}
}
