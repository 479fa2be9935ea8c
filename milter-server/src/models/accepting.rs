//! What accept says of trouble ends nothing: the next one is served, and what is short is made less short.

use super::runtime::{Modelled, Stream, arrive, fail_to_accept};
use super::{check, none};
use crate::accept::accept;
use crate::clock;
use crate::converse::Settings;
use crate::handle::Handle;
use crate::observer::Observer;
use crate::sync::thread;
use async_lock::Semaphore;
use futures_lite::future::or;
use milter_proto::{ACCEPT_BACK_OFF, Milter, Phase};
use nix::libc::{ECONNABORTED, EMFILE, ENFILE, ENOMEM};
use shuttle::future::block_on;
use std::io;
use std::sync::{Arc, Mutex};

/// What an observer is told, in its order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Connected(u64),
    Failed(i32),
    Shed(u64),
}
use Told::{Connected, Failed, Shed};

#[derive(Default)]
struct Notes(Mutex<Vec<Told>>);

impl Notes {
    fn note(&self, told: Told) {
        self.0.lock().expect("no panic").push(told);
    }

    fn all(&self) -> Vec<Told> {
        self.0.lock().expect("no panic").clone()
    }

    fn connections(&self) -> usize {
        self.all().iter().filter(|told| matches!(told, Connected(_))).count()
    }
}

impl Observer for Notes {
    fn connected(&self, connection: u64) {
        self.note(Connected(connection));
    }

    fn accept_failed(&self, error: &io::Error) {
        self.note(Failed(error.raw_os_error().expect("of the system")));
    }

    fn shed(&self, connection: u64) {
        self.note(Shed(connection));
    }
}

/// Accepts until so many are connected, and gives what was told meanwhile.
fn accepting(connections: usize, wait: impl Fn(&Notes)) -> Vec<Told> {
    let handle = Handle::new(Milter::per_connection(|| ()));
    let notes = Arc::new(Notes::default());
    let observer: Arc<dyn Observer> = Arc::<Notes>::clone(&notes);
    let settings = Arc::new(Settings { deadlines: none(), observer: Some(observer) });
    let accepting = {
        let handle = handle.clone();
        thread::spawn(move || {
            let registry = Arc::clone(&handle.shared.registry);
            let newcomers = Arc::new(Semaphore::new(usize::MAX >> 3));
            let accepting = accept::<Modelled, _>((), handle, settings, usize::MAX, newcomers);
            block_on(or(registry.entered(Phase::Draining), async { match accepting.await {} }));
        })
    };
    while notes.connections() < connections {
        wait(&notes);
    }
    handle.drain();
    block_on(handle.shared.registry.ended(|count| count == 0));
    accepting.join().expect("no panic");
    notes.all()
}

fn time_passes() {
    clock::pass(u64::try_from(ACCEPT_BACK_OFF.as_millis()).expect("short"));
}

#[test]
fn who_goes_before_being_accepted_delays_nobody() {
    check(|| {
        fail_to_accept(ECONNABORTED);
        arrive(Stream::silent());
        // Time stands still: who comes next is not waited with.
        let told = accepting(1, |_| thread::yield_now());
        assert!(matches!(told[..], [Connected(_)]), "{told:?}");
    });
}

fn without_descriptors(error: i32) {
    arrive(Stream::silent());
    let told = accepting(2, |notes| {
        // Whose task has not run yet does not make room: until one does there is no descriptor.
        if notes.all().iter().any(|told| matches!(told, Shed(_))) {
            arrive(Stream::offering());
        } else {
            fail_to_accept(error);
        }
        time_passes();
    });
    let [Connected(first), failed, shed, Connected(_), ..] = told[..] else { panic!("{told:?}") };
    assert_eq!([failed, shed], [Failed(error), Shed(first)], "told once of what goes on");
}

#[test]
fn without_a_descriptor_who_has_not_negotiated_makes_room() {
    check(|| without_descriptors(EMFILE));
    check(|| without_descriptors(ENFILE));
}

#[test]
fn without_memory_nobody_is_closed_and_it_goes_on() {
    check(|| {
        arrive(Stream::silent());
        fail_to_accept(ENOMEM);
        fail_to_accept(ENOMEM);
        arrive(Stream::silent());
        fail_to_accept(ENOMEM);
        arrive(Stream::silent());
        let told = accepting(3, |_| time_passes());
        let [Connected(_), first, Connected(_), second, Connected(_)] = told[..] else { panic!("{told:?}") };
        assert_eq!([first, second], [Failed(ENOMEM); 2]);
    });
}
