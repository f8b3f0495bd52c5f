//! What can be said only after the last record: keys, the order of epochs, and what others know of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChainKey, Fault, Note, Origin, Position, State, Verifier, Witness};
use crate::audit::chain::{self, Head, Tombstone};

const NOTHING_BEFORE: [u8; 32] = [0; 32];

impl Verifier<'_> {
    pub(super) fn check_waiting(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            let trusted = self
                .trusted
                .iter()
                .flatten()
                .find(|key| chain::key_id(key) == waiting.key_id);
            match self.keys.get(&waiting.key_id).or(trusted).copied() {
                Some(key) => self.check_signature(key, &waiting),
                None => self.fault(&waiting.position, Fault::UnknownKey),
            }
        }
    }

    /// Every key that signed must be trusted, or handed over to by one that is.
    pub(super) fn check_keys(&mut self) {
        let Some(mut trusted) = self.trusted.clone() else {
            return;
        };
        loop {
            let more: Vec<_> = self
                .handed_over
                .iter()
                .filter(|(by, key)| trusted.contains(by) && !trusted.contains(key))
                .collect();
            if more.is_empty() {
                break;
            }
            trusted.extend(more.into_iter().map(|(_, key)| *key));
        }
        let (known, planted): (Vec<_>, Vec<_>) = std::mem::take(&mut self.used)
            .into_iter()
            .partition(|(key, _)| trusted.contains(key));
        if planted.is_empty() && !known.is_empty() {
            self.outcome.origin = Origin::Proven;
        }
        for (key, position) in planted {
            self.fault(
                &position,
                Fault::UntrustedKey {
                    key_id: chain::key_id(&key),
                },
            );
        }
    }

    pub(super) fn check_nodes(&mut self) {
        let nodes: BTreeSet<String> = self.chains.keys().map(|(node, _)| node.clone()).collect();
        self.outcome.epochs = u64::try_from(self.chains.len()).unwrap_or(u64::MAX);
        self.outcome.nodes = u64::try_from(nodes.len()).unwrap_or(u64::MAX);
        let tombstones = self.accepted_tombstones();
        for node in nodes {
            self.check_node(&node, &tombstones);
        }
        self.outcome
            .notes
            .extend(tombstones.into_values().map(Note::Erased));
    }

    /// The last tombstone of each chain among those that a checkpoint covers.
    fn accepted_tombstones(&self) -> BTreeMap<ChainKey, Tombstone> {
        let mut accepted: BTreeMap<ChainKey, Tombstone> = BTreeMap::new();
        for (tombstone, position) in &self.tombstones {
            let covered = self
                .chains
                .get(&position.chain)
                .and_then(|state| state.heads.last_key_value())
                .is_some_and(|(newest, _)| *newest >= position.seq);
            let chain = (tombstone.node.clone(), tombstone.epoch);
            if covered
                && accepted
                    .get(&chain)
                    .is_none_or(|other| other.last <= tombstone.last)
            {
                accepted.insert(chain, tombstone.clone());
            }
        }
        accepted
    }

    fn check_node(&mut self, node: &str, tombstones: &BTreeMap<ChainKey, Tombstone>) {
        if self.partial {
            return;
        }
        let found = Links::of(node, &self.chains, tombstones);
        for (epoch, seq, fault) in found.faults {
            self.fault(
                &Position {
                    chain: (node.to_owned(), epoch),
                    seq,
                },
                fault,
            );
        }
        self.outcome.notes.extend(found.notes);
    }

    pub(super) fn check_claims(&mut self) {
        if self.partial {
            return;
        }
        for ((chain, witness), (head, _)) in std::mem::take(&mut self.claims) {
            self.check_claim(chain, head, Witness::Node(witness));
        }
    }

    pub(super) fn check_anchors(&mut self) {
        for ((chain, seq), (hash, met)) in std::mem::take(&mut self.anchors) {
            if !met {
                let head = Head {
                    epoch: chain.1,
                    seq,
                    hash,
                };
                self.check_claim(chain, head, Witness::Anchor);
            }
        }
    }

    /// Whether a point that somebody kept is still there.
    fn check_claim(&mut self, chain: ChainKey, head: Head, witness: Witness) {
        if self.is_excused(&chain, head.seq) {
            return;
        }
        let fault = match self.chains.get(&chain) {
            Some(state) if head.seq < state.first => return,
            Some(state) if head.seq > state.last_seq() => Fault::TailMissing { witness },
            Some(state) if state.hash_at(head.seq) == Some(head.hash) => return,
            Some(_) => Fault::Diverged { witness },
            None if self.chains.keys().any(|(node, _)| *node == chain.0) => {
                Fault::EpochMissing { witness }
            }
            None => Fault::NodeMissing { witness },
        };
        self.fault(
            &Position {
                chain,
                seq: head.seq,
            },
            fault,
        );
    }

    /// Whether a record may be gone: erased under an accepted tombstone, or given up for an older store.
    fn is_excused(&self, chain: &ChainKey, seq: u64) -> bool {
        self.outcome.notes.iter().any(|note| match note {
            Note::Erased(tombstone) => {
                tombstone.node == chain.0 && tombstone.epoch == chain.1 && seq <= tombstone.last
            }
            Note::Abandoned { node, head } => {
                *node == chain.0 && head.epoch == chain.1 && seq <= head.seq
            }
            Note::NotClosed { .. } | Note::Tail { .. } => false,
        })
    }
}

/// How the epochs of one node follow each other.
struct Links {
    faults: Vec<([u8; 16], u64, Fault)>,
    notes: Vec<Note>,
}

impl Links {
    fn of(
        node: &str,
        chains: &BTreeMap<ChainKey, State>,
        tombstones: &BTreeMap<ChainKey, Tombstone>,
    ) -> Self {
        let own: Vec<([u8; 16], &State)> = chains
            .iter()
            .filter(|((owner, _), _)| owner == node)
            .map(|((_, epoch), state)| (*epoch, state))
            .collect();
        let mut links = Self {
            faults: Vec::new(),
            notes: Vec::new(),
        };
        let followed = links.follow(node, &own, tombstones);
        links.note_open_ends(node, &own, &followed);
        links.note_tail(node, &own, &followed);
        links
    }

    /// Finds what each epoch goes on from; returns who follows whom.
    fn follow(
        &mut self,
        node: &str,
        own: &[([u8; 16], &State)],
        tombstones: &BTreeMap<ChainKey, Tombstone>,
    ) -> BTreeMap<[u8; 16], [u8; 16]> {
        let ends: BTreeMap<[u8; 32], [u8; 16]> = own
            .iter()
            .map(|(epoch, state)| (state.last, *epoch))
            .collect();
        let erased: BTreeSet<[u8; 32]> = tombstones
            .values()
            .filter(|gone| gone.node == node)
            .map(|gone| gone.hash)
            .collect();
        let mut followed = BTreeMap::new();
        let mut beginnings = 0;
        for (epoch, state) in own {
            let before = ends
                .get(&state.first_prev)
                .filter(|before| *before != epoch);
            if state.first > 0 {
                let explained = tombstones
                    .get(&(node.to_owned(), *epoch))
                    .is_some_and(|gone| {
                        gone.last.checked_add(1) == Some(state.first)
                            && gone.hash == state.first_prev
                    });
                beginnings += usize::from(explained);
                if !explained {
                    self.faults
                        .push((*epoch, state.first, Fault::BeginningMissing));
                }
            } else if let Some(before) = before {
                if followed.insert(*before, *epoch).is_some() {
                    self.faults.push((*epoch, 0, Fault::Fork));
                }
            } else if state.first_prev == NOTHING_BEFORE || erased.contains(&state.first_prev) {
                beginnings += 1;
            } else {
                let (missing, seq) = state
                    .previous
                    .map_or((*epoch, 0), |head| (head.epoch, head.seq));
                let witness = Witness::Node(node.to_owned());
                let fault = if own.iter().any(|(epoch, _)| *epoch == missing) {
                    Fault::TailMissing { witness }
                } else {
                    Fault::EpochMissing { witness }
                };
                self.faults.push((missing, seq, fault));
            }
            if beginnings > 1 {
                beginnings = 1;
                self.faults.push((*epoch, state.first, Fault::Fork));
            }
        }
        followed
    }

    fn note_open_ends(
        &mut self,
        node: &str,
        own: &[([u8; 16], &State)],
        followed: &BTreeMap<[u8; 16], [u8; 16]>,
    ) {
        let open = own
            .iter()
            .filter(|(epoch, state)| followed.contains_key(epoch) && !state.closed);
        self.notes.extend(open.map(|(epoch, _)| Note::NotClosed {
            node: node.to_owned(),
            epoch: *epoch,
        }));
    }

    /// From the newest epoch back to the newest checkpoint: what comes after it is attested by nobody.
    fn note_tail(
        &mut self,
        node: &str,
        own: &[([u8; 16], &State)],
        followed: &BTreeMap<[u8; 16], [u8; 16]>,
    ) {
        let before: BTreeMap<_, _> = followed
            .iter()
            .map(|(earlier, later)| (*later, *earlier))
            .collect();
        let newest = own.iter().find(|(epoch, _)| !followed.contains_key(epoch));
        let mut records = 0;
        let mut at = newest.copied();
        let mut from = None;
        let mut left = own.len();
        while let Some((epoch, state)) = at.filter(|_| left > 0) {
            left -= 1;
            let first = state
                .signed_at
                .map_or(state.first, |checkpoint| checkpoint.saturating_add(1));
            records += state.next.saturating_sub(first);
            if first < state.next {
                from = Some((epoch, first));
            }
            if state.signed_at.is_some() {
                break;
            }
            at = before
                .get(&epoch)
                .and_then(|earlier| own.iter().find(|(own, _)| own == earlier))
                .copied();
        }
        if let Some((epoch, from)) = from {
            self.notes.push(Note::Tail {
                node: node.to_owned(),
                epoch,
                from,
                records,
            });
        }
    }
}
