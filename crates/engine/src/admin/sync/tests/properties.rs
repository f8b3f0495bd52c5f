//! What must hold for every sequence of states of a directory.

use super::directory::Person;
use super::site::{Site, options};
use crate::model::{SyncGone, SyncOptions};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 8] = ["admin", "alice", "bob", "ann", "ben", "cid", "DAN", "eve"];

/// A person by number: user ID, mail, unit, disabled.
type State = BTreeMap<u32, (usize, u8, u8, bool)>;

fn state() -> impl Strategy<Value = State> {
    let person = (0..NAMES.len(), 0_u8..3, 0_u8..4, any::<bool>());
    prop::collection::btree_map(0_u32..8, person, 0..8)
}

fn people(state: &State) -> Vec<Person> {
    let person = |(number, (name, mail, unit, disabled)): (&u32, &(usize, u8, u8, bool))| {
        let mut person = Person::new(*number, NAMES[*name]).disabled(*disabled);
        if *mail > 0 {
            person = person.mail(&format!("{mail}@x.org"));
        }
        if *unit > 0 {
            person = person.unit(&format!("unit{unit}"));
        }
        person
    };
    state.iter().map(person).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_second_run_finds_nothing_and_what_is_not_owned_stays(
        states in prop::collection::vec(state(), 1..5),
        gone in prop_oneof![Just(SyncGone::Keep), Just(SyncGone::Disable), Just(SyncGone::Delete)],
        update in prop::bool::weighted(0.8), moving in prop::bool::weighted(0.8), page in 1_usize..5, mapped in any::<bool>(),
    ) {
        let mut site = Site::new(SyncOptions { gone, update, move_accounts: moving, ..options() });
        site.confirmed = true;
        site.page = page;
        site.profile.mapping.org_unit = Some("ou".into());
        if mapped {
            site.profile.mapping.disabled = Some("userAccountControl".into());
        }
        site.assign("alice", "T1");
        let admin = format!("{:?}", site.account("admin"));
        for state in &states {
            let strangers: Vec<_> = site.accounts.iter().filter(|one| one.user.ldap_owner.is_none()).map(|one| one.user.key).collect();
            site.run(&people(state));
            site.changes_nothing(&people(state));
            for key in strangers {
                prop_assert!(site.accounts.iter().any(|one| one.user.key == key));
            }
            prop_assert_eq!(format!("{:?}", site.account("admin")), admin.clone());
            for account in &site.accounts {
                for own in &account.authenticators {
                    prop_assert_eq!(own.user, Some(account.user.key));
                    if account.user.ldap_owner.is_some() && moving {
                        prop_assert_eq!(own.org_unit, account.user.org_unit);
                    }
                }
            }
        }
    }
}
