//! Packets on their way to nodes, and answers on their way back.

use super::{BEGIN_S, Event, MILLI, Run, SECOND};
use crate::history::{Answer, Observation};
use crate::simulation::node::{Reply, Request};
use crate::simulation::store::Broken;
use countersign_engine::time::Timestamp;

/// How often a client that hears nothing sends a packet again.
const MOST_REPEATS: u32 = 2;

impl Run {
    pub(super) fn send(&mut self, packet: u64, node: usize) {
        let Some(known) = usize::try_from(packet)
            .ok()
            .and_then(|at| self.packets.get(at))
        else {
            return;
        };
        let (user, typed) = (&self.users[known.user], &known.typed);
        let serial = &user.devices[typed.device].serial;
        let mut one = Observation::new(
            self.now,
            &self.nodes[node].name,
            &user.name,
            serial,
            typed.what.clone(),
        );
        one.packet = Some(packet);
        one.value.clone_from(&typed.value);
        let is_radius = user.is_radius;
        let observation = self.history.observations.len();
        self.history.observations.push(one);
        self.sent_to.push(node);
        self.carry(observation);
        // Only datagrams are doubled on their way.
        if is_radius && self.chance.percent(self.plan.faults.packet_doubled) {
            self.history.observations[observation].copies += 1;
            self.carry(observation);
        }
    }

    pub(super) fn carry(&mut self, observation: usize) {
        if self.chance.percent(self.plan.faults.packet_lost) {
            return;
        }
        let late = self.chance.percent(self.plan.faults.packet_late);
        let way = self
            .chance
            .below(if late { 5 * SECOND } else { 20 * MILLI });
        self.at(way, Event::Arrive { observation });
    }

    /// Nothing was heard: the packet goes again, to the same node or to another one.
    pub(super) fn repeat(&mut self, packet: u64, sent: u32) {
        let place = usize::try_from(packet).unwrap_or(usize::MAX);
        if self.packets.get(place).is_none_or(|known| known.answered) || sent > MOST_REPEATS {
            return;
        }
        self.tally.repeats += 1;
        let node = self.chance.index(self.nodes.len());
        self.send(packet, node);
        let patience = SECOND + self.chance.below(3 * SECOND);
        let sent = sent + 1;
        self.at(patience, Event::Repeat { packet, sent });
    }

    pub(super) fn arrive(&mut self, observation: usize) {
        let node = self.sent_to[observation];
        if !self.nodes[node].is_up {
            return;
        }
        let packet = self.history.observations[observation].packet.unwrap_or(0);
        let Some(known) = usize::try_from(packet)
            .ok()
            .and_then(|at| self.packets.get(at))
        else {
            return;
        };
        let user = &self.users[known.user];
        let request = Request {
            id: self.chance.bytes(),
            seed: self.chance.bytes(),
            at: Timestamp(
                (BEGIN_S + self.nodes[node].drift_s) * 1_000_000
                    + i64::try_from(self.now).unwrap_or(0),
            ),
            packet,
            observation,
            user: known.user,
            name: user.name.clone(),
            value: known.typed.value.clone(),
            key: known.typed.key,
            is_radius: user.is_radius,
        };
        if request.is_radius {
            match self.nodes[node].remembered.get(&packet).cloned() {
                Some(Some(reply)) => return self.reply(observation, reply),
                Some(None) => return, // its answer is under way
                None => self.nodes[node].remembered.insert(packet, None),
            };
        }
        self.think(node, request);
    }

    pub(super) fn reply(&mut self, observation: usize, reply: Reply) {
        let is_committed = || {
            let id = data_encoding::HEXLOWER.decode(reply.request_id.as_bytes());
            let id = id.ok().and_then(|id| <[u8; 16]>::try_from(id).ok());
            id.is_some_and(|id| self.store.committed.contains(&id))
        };
        if reply.status >= 0 && !is_committed() {
            self.store.broken.push(Broken::AnsweredUncommitted {
                user: self.history.observations[observation].user.clone(),
            });
        }
        if self.chance.percent(self.plan.faults.answer_lost) {
            return;
        }
        let way = self.chance.below(20 * MILLI);
        self.at(way, Event::Reply { observation, reply });
    }

    pub(super) fn hear(&mut self, observation: usize, reply: &Reply) {
        let one = &mut self.history.observations[observation];
        if one.answered.is_some() {
            return; // the first answer counts
        }
        let packet = &mut self.packets[usize::try_from(one.packet.unwrap_or(0)).unwrap_or(0)];
        packet.answered |= reply.status >= 0;
        let user = &mut self.users[packet.user];
        one.answered = Some(self.now);
        one.answer = match reply.status {
            0 => Answer::Accepted,
            3001 => Answer::Challenged,
            status => Answer::Refused(status),
        };
        // A reject over RADIUS does not name its request.
        let named = !user.is_radius || reply.status == 0;
        one.request_id = Some(reply.request_id.clone()).filter(|_| named);
        if let Some(asked) = &reply.asked {
            user.asked = Some(asked.clone());
        }
    }
}
