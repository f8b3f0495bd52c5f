//! The users a worker draws from.

use crate::otp::hotp;
use crate::users::{Kind, User};
use std::collections::VecDeque;

/// One worker's users. A user taken is out of the pool until given back, so that its codes are
/// sent in order; a TOTP user is lent at most once in a time step.
pub struct Pool {
    pub users: Vec<User>,
    free: VecDeque<usize>,
    free_totp: VecDeque<usize>,
    digits: usize,
    step: u64,
}

impl Pool {
    /// Deals the users out to `workers` pools: each to the same one in every run, as clients keep to their server, or
    /// in the order of the list.
    pub fn split(
        users: Vec<User>,
        workers: usize,
        roam: bool,
        digits: usize,
        step: u64,
    ) -> Vec<Pool> {
        let mut dealt = vec![Vec::new(); workers];
        for (n, user) in users.into_iter().enumerate() {
            let place = if roam { n } else { home(&user.name) };
            dealt[place % workers].push(user);
        }
        let indices = |users: &[User], totp: bool| {
            (0..users.len())
                .filter(|&n| (users[n].kind == Kind::Totp) == totp)
                .collect()
        };
        dealt
            .into_iter()
            .map(|users| Pool {
                free: indices(&users, false),
                free_totp: indices(&users, true),
                users,
                digits,
                step,
            })
            .collect()
    }

    /// The next user that may log in at Unix time `now`, and its one-time code.
    pub fn take(&mut self, now: u64) -> Option<(usize, String)> {
        let step = now / self.step;
        if self
            .free_totp
            .front()
            .is_some_and(|&n| self.users[n].counter < step)
        {
            let n = self.free_totp.pop_front()?;
            self.users[n].counter = step;
            return Some((n, hotp(&self.users[n].secret, step, self.digits)));
        }
        let n = self.free.pop_front()?;
        let user = &mut self.users[n];
        user.counter += 1;
        Some((n, hotp(&user.secret, user.counter - 1, self.digits)))
    }

    pub fn give_back(&mut self, n: usize) {
        match self.users[n].kind {
            Kind::Totp => self.free_totp.push_back(n),
            Kind::Hotp => self.free.push_back(n),
        }
    }
}

/// A number that only the name decides: FNV-1a, whose bits are mixed again, since those of short names are not even.
fn home(name: &str) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed ^ (mixed >> 33)) >> 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::generate;

    #[test]
    fn a_totp_user_is_lent_once_a_step_and_hotp_counts_up() {
        let mut pool = Pool::split(generate(1, 1, Kind::Totp, 1), 1, false, 6, 30).remove(0);
        let (n, _) = pool.take(60).unwrap();
        assert!(pool.take(90).is_none(), "in flight");
        pool.give_back(n);
        assert!(pool.take(89).is_none(), "same step");
        assert!(pool.take(90).is_some());

        let mut pool = Pool::split(generate(1, 1, Kind::Hotp, 1), 1, false, 6, 30).remove(0);
        let (n, first) = pool.take(0).unwrap();
        pool.give_back(n);
        assert_ne!(first, pool.take(0).unwrap().1);
        assert_eq!(pool.users[0].counter, 2);
    }

    #[test]
    fn a_user_keeps_to_a_worker_whatever_the_order() {
        let mut users = generate(100, 50, Kind::Hotp, 1);
        let names = |pools: Vec<Pool>| {
            let mut names: Vec<String> = pools[0].users.iter().map(|u| u.name.clone()).collect();
            names.sort();
            names
        };
        let first = names(Pool::split(users.clone(), 2, false, 6, 30));
        users.reverse();
        assert!(first.len() > 20 && first.len() < 80);
        assert_eq!(names(Pool::split(users, 2, false, 6, 30)), first);
    }
}
