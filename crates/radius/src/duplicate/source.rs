//! The 256 identifiers of one source.

use super::{Seen, VALID_FOR};

/// Larger buffers are not kept for the next answer in the same slot.
const KEPT_CAPACITY: usize = 512;

/// The requests of one source.
///
/// A sparse set: `places` points into `slots`, and a place counts only if the slot there bears its identifier. So a
/// client that takes a fresh port for every request costs some 300 octets, not 256 slots.
#[derive(Debug)]
pub(super) struct Source {
    places: [u8; 256],
    slots: Vec<Slot>,
    last_used: u64,
}

#[derive(Debug)]
struct Slot {
    identifier: u8,
    state: State,
    authenticator: [u8; 16],
    since: u64,
    reply: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Forgotten,
    InProgress,
    Answered,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            places: [0; 256],
            slots: Vec::new(),
            last_used: 0,
        }
    }
}

impl Source {
    pub(super) fn last_used(&self) -> u64 {
        self.last_used
    }

    pub(super) fn check(&mut self, identifier: u8, authenticator: &[u8; 16], now: u64) -> Seen<'_> {
        self.last_used = now;
        let Some(place) = self.place(identifier) else {
            self.push(identifier, authenticator, now);
            return Seen::New;
        };
        let Some(slot) = self.slots.get_mut(place) else {
            return Seen::New;
        };
        if slot.is_current(authenticator, now) {
            return slot.seen();
        }
        slot.authenticator = *authenticator;
        slot.begin(now);
        Seen::New
    }

    pub(super) fn answered(
        &mut self,
        identifier: u8,
        authenticator: &[u8; 16],
        reply: &[u8],
        now: u64,
    ) {
        self.last_used = now;
        if let Some(slot) = self.slot_of(identifier, authenticator) {
            slot.since = now;
            slot.state = State::Answered;
            slot.keep(reply);
        }
    }

    pub(super) fn forget(&mut self, identifier: u8, authenticator: &[u8; 16]) {
        if let Some(slot) = self.slot_of(identifier, authenticator) {
            slot.state = State::Forgotten;
        }
    }

    fn place(&self, identifier: u8) -> Option<usize> {
        let place = usize::from(*self.places.get(usize::from(identifier))?);
        self.slots
            .get(place)
            .filter(|slot| slot.identifier == identifier)
            .map(|_| place)
    }

    fn slot_of(&mut self, identifier: u8, authenticator: &[u8; 16]) -> Option<&mut Slot> {
        let place = self.place(identifier)?;
        let slot = self.slots.get_mut(place)?;
        (slot.authenticator == *authenticator && slot.state != State::Forgotten).then_some(slot)
    }

    fn push(&mut self, identifier: u8, authenticator: &[u8; 16], now: u64) {
        // At most 256 slots exist, one per identifier, so the place always fits.
        let Ok(end) = u8::try_from(self.slots.len()) else {
            return;
        };
        if let Some(place) = self.places.get_mut(usize::from(identifier)) {
            *place = end;
        }
        let (state, authenticator) = (State::InProgress, *authenticator);
        self.slots.push(Slot {
            identifier,
            state,
            authenticator,
            since: now,
            reply: Vec::new(),
        });
    }
}

impl Slot {
    fn is_current(&self, authenticator: &[u8; 16], now: u64) -> bool {
        self.state != State::Forgotten
            && self.authenticator == *authenticator
            && now.saturating_sub(self.since) < VALID_FOR
    }

    fn seen(&self) -> Seen<'_> {
        match self.state {
            State::Forgotten => Seen::New,
            State::InProgress => Seen::InProgress,
            State::Answered => Seen::Answered(&self.reply),
        }
    }

    fn begin(&mut self, now: u64) {
        self.state = State::InProgress;
        self.since = now;
        self.reply.clear();
    }

    fn keep(&mut self, reply: &[u8]) {
        if self.reply.capacity() > KEPT_CAPACITY {
            self.reply = Vec::new();
        }
        self.reply.clear();
        self.reply.extend_from_slice(reply);
    }
}
