use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::attribute::{ATTRIBUTES, Attribute};
use super::effective::BUILT_IN;
use super::*;

fn policy(id: &str, parent: Option<&str>, values: serde_json::Value) -> Policy {
    let mut policy = Policy::new(id, parent).unwrap();
    let serde_json::Value::Object(fields) = values else {
        panic!("not an object")
    };
    policy.apply(&fields).unwrap();
    policy
}

fn with_predefined(more: impl IntoIterator<Item = Policy>) -> PolicySet {
    PolicySet::new(predefined::all().into_iter().chain(more))
}

mod table {
    use super::*;

    /// Attribute -> (kind letter, values cell, base cell) as the specification lists them.
    fn specified() -> Option<BTreeMap<String, (String, String, String)>> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/spec/policy.md"
        );
        let text = std::fs::read_to_string(path).ok()?;
        let section = text
            .split("## 4. Attributes")
            .nth(1)?
            .split("## 5.")
            .next()?;
        let rows = section.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let kind = cells
                .get(2)
                .filter(|kind| ["c", "n", "t", "l"].contains(kind))?;
            let names = cells
                .get(1)?
                .trim_end_matches(" (ours)")
                .split(", ")
                .map(str::to_owned);
            Some(
                names
                    .map(|name| {
                        (
                            name,
                            ((*kind).to_owned(), cells[3].to_owned(), cells[4].to_owned()),
                        )
                    })
                    .collect::<Vec<_>>(),
            )
        });
        let meta = ["policy_id", "description", "parent"];
        Some(
            rows.flatten()
                .filter(|(name, _)| !meta.contains(&name.as_str()))
                .collect(),
        )
    }

    #[test]
    fn is_the_specification() {
        let Some(specified) = specified() else {
            eprintln!("skipped: the specification is not beside this source tree");
            return;
        };
        let own: BTreeSet<_> = ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
        assert_eq!(own, specified.keys().map(String::as_str).collect());
        for attribute in ATTRIBUTES {
            let (kind, values, base) = &specified[attribute.name];
            let letter = match attribute.kind {
                Kind::Choice(_) => "c",
                Kind::Number { .. } => "n",
                Kind::Text { .. } => "t",
                Kind::List { .. } => "l",
            };
            assert_eq!(letter, kind, "{}", attribute.name);
            if let Kind::Choice(names) = attribute.kind
                && !values.starts_with("as ")
            {
                assert_eq!(&names.join(", "), values, "{}", attribute.name);
            }
            if let (Kind::Number { min, max }, Some((first, rest))) =
                (attribute.kind, values.split_once('–'))
            {
                let last: String = rest.chars().take_while(char::is_ascii_digit).collect();
                assert_eq!(
                    (min.to_string().as_str(), max.to_string()),
                    (first, last),
                    "{}",
                    attribute.name
                );
            }
            check_base(attribute, base);
        }
    }

    fn check_base(attribute: &Attribute, cell: &str) {
        let cell = cell.trim_end_matches(" (ours)").trim_matches(['"', '`']);
        let blank = [
            "null",
            "blank",
            "built in",
            "null = no date",
            "null = no limit",
            "blank = best ranked",
        ];
        match attribute.base() {
            None => assert!(blank.contains(&cell), "{}: {cell}", attribute.name),
            Some(Value::List(items)) => assert!(
                items.is_empty() && cell.starts_with("empty"),
                "{}",
                attribute.name
            ),
            Some(value) => assert_eq!(value.to_string(), cell, "{}", attribute.name),
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        let names: BTreeSet<_> = ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
        assert_eq!(names.len(), ATTRIBUTES.len());
        for attribute in ATTRIBUTES {
            assert!(attribute.doc.ends_with('.'), "{}", attribute.name);
            assert!(
                !attribute.kind.is_choice() || attribute.base().is_some(),
                "{}",
                attribute.name
            );
        }
    }

    #[test]
    fn presets_are_values_of_their_attribute() {
        for attribute in ATTRIBUTES {
            for value in [attribute.base(), attribute.built_in()]
                .into_iter()
                .flatten()
            {
                assert_eq!(
                    Value::read(attribute, &value.to_json()),
                    Ok(Some(value)),
                    "{}",
                    attribute.name
                );
            }
        }
    }

    #[test]
    fn becomes_a_page() {
        let page = markdown();
        assert!(page.starts_with("## Identity and main switches\n"));
        assert!(
            page.contains("| `signature_time_window` | 2–500 steps | 20 | 24 |"),
            "{page}"
        );
        assert_eq!(
            page.lines().filter(|line| line.starts_with("| `")).count(),
            ATTRIBUTES.len()
        );
    }
}

mod values {
    use super::*;

    fn read(name: &str, json: impl Into<serde_json::Value>) -> Result<Option<Value>, ValueError> {
        Value::read(Attribute::named(name).unwrap(), &json.into())
    }

    #[test]
    fn inherit_and_null_mean_inherited() {
        assert_eq!(read("local_auth", json!("inherit")), Ok(None));
        assert_eq!(read("local_auth", json!(null)), Ok(None));
        assert_eq!(read("user_lock_threshold", json!(null)), Ok(None));
        assert_eq!(read("groups", json!(null)), Ok(None));
        assert_eq!(
            read("challenge_message", json!("inherit")),
            Ok(Some(Value::Text("inherit".into())))
        );
    }

    #[test]
    fn zero_blank_and_empty_are_values() {
        assert_eq!(
            read("user_lock_threshold", json!(0)),
            Ok(Some(Value::Number(0)))
        );
        assert_eq!(
            read("serial_separator", json!("")),
            Ok(Some(Value::Text(String::new())))
        );
        assert_eq!(read("groups", json!([])), Ok(Some(Value::List(vec![]))));
    }

    #[test]
    fn refusals_name_the_attribute_and_what_it_takes() {
        let error = read("local_auth", json!("always")).unwrap_err().to_string();
        assert!(
            error.starts_with("local_auth must be one of none, authenticator_only,"),
            "{error}"
        );
        let error = read("user_lock_threshold", json!(256))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "user_lock_threshold must be a whole number from 0 to 255, or null"
        );
        for (name, json) in [
            ("user_lock_threshold", json!("3")),
            ("user_lock_threshold", json!(3.5)),
            ("user_lock_threshold", json!(-1)),
            ("lock_restart", json!(true)),
            ("virtual_request_method", json!("keyword_pin")),
            ("challenge_request_method", json!("disabled")),
            ("challenge_request_keyword", json!("a\0b")),
            ("challenge_request_keyword", json!("seventeen letters")),
            ("groups", json!("otp-users")),
            ("groups", json!([1])),
            ("groups", json!([" "])),
            ("groups", json!(["g".repeat(2500), "g".repeat(1501)])),
            ("radius_protocols", json!(["pap", "spap"])),
            ("type_limits", json!(["soft"])),
            ("type_limits", json!(["soft:+1"])),
        ] {
            assert_eq!(
                read(name, json.clone()).unwrap_err().attribute,
                name,
                "{json}"
            );
        }
    }

    #[test]
    fn lists_may_fill_their_bound() {
        let groups = json!(["g".repeat(2500), "ü".repeat(1500)]);
        assert!(read("groups", groups).is_ok());
        assert!(read("type_limits", json!(["soft:token:2"])).is_ok());
    }
}

mod writing {
    use super::*;

    #[test]
    fn unknown_attributes_are_named_with_the_closest() {
        let error = Policy::from_json(&json!({"policy_id": "x", "local_aut": "none"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "local_aut is no policy attribute; did you mean local_auth?"
        );
        assert_eq!(error.field(), Some("local_aut"));
        let error = Policy::from_json(&json!({"policy_id": "x", "zzzzzzzzzz": 1})).unwrap_err();
        assert_eq!(error.to_string(), "zzzzzzzzzz is no policy attribute");
        assert_eq!(error.status(), crate::Status::INVDATA);
    }

    #[test]
    fn ids_are_checked() {
        let refused =
            |id: serde_json::Value| Policy::from_json(&json!({ "policy_id": id })).unwrap_err();
        for id in [
            json!(""),
            json!("a".repeat(61)),
            json!(" a"),
            json!("a\n"),
            json!(7),
            json!(null),
        ] {
            assert_eq!(refused(id).field(), Some("policy_id"));
        }
        assert_eq!(
            Policy::from_json(&json!({})).unwrap_err().status(),
            crate::Status::MISSINGFLD
        );
        assert_eq!(
            Policy::from_json(&json!([])).unwrap_err(),
            PolicyError::NotAnObject
        );
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let mut changed = policy("x", Some("base"), json!({"event_window": 30}));
        let before = changed.clone();
        let fields = json!({"event_window": 40, "user_lock_threshold": 300});
        assert!(changed.apply(fields.as_object().unwrap()).is_err());
        assert_eq!(changed, before);
    }

    #[test]
    fn export_leads_back() {
        for policy in predefined::all() {
            assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
            assert_eq!(Policy::from_json(&policy.to_full_json()).unwrap(), policy);
        }
    }
}

mod inheritance {
    use super::*;

    #[test]
    fn the_first_value_on_the_way_up_holds() {
        let set = with_predefined([policy(
            "mine",
            Some("local_only"),
            json!({"event_window": 33}),
        )]);
        let view = set.effective("MINE").unwrap();
        assert_eq!(view.chain(), ["mine", "local_only", "local", "base"]);
        assert_eq!(
            (view.event_window, view.origin("event_window")),
            (33, "mine")
        );
        assert_eq!(
            (view.local_auth, view.origin("local_auth")),
            (LocalAuth::AuthenticatorOnly, "local_only")
        );
        assert_eq!(
            (view.max_unlock_attempts, view.origin("max_unlock_attempts")),
            (10, "local")
        );
        assert_eq!(
            (view.user_lock_threshold, view.origin("user_lock_threshold")),
            (3, "base")
        );
        assert_eq!(
            view.value("local_auth"),
            Some(&Value::Choice("authenticator_only"))
        );
    }

    #[test]
    fn what_nobody_sets_is_built_in() {
        let choices: serde_json::Map<_, _> = ATTRIBUTES
            .iter()
            .filter(|attribute| attribute.kind.is_choice())
            .map(|attribute| {
                (
                    attribute.name.to_owned(),
                    attribute.base().unwrap().to_json(),
                )
            })
            .collect();
        let view = resolve(&[&policy("bare", None, choices.into())]).unwrap();
        assert_eq!(
            (view.identification_time_window, view.signature_time_window),
            (20, 24)
        );
        assert_eq!((view.initial_time_window_h, view.event_window), (6, 20));
        assert_eq!(
            (view.challenge_check_mode, view.online_signature_level),
            (1, 0)
        );
        assert_eq!(
            (
                view.user_lock_threshold,
                view.virtual_max_per_hour,
                view.pw_min_length
            ),
            (0, 0, 0)
        );
        assert_eq!(
            (view.grace_period_days, view.one_step_challenge_length),
            (None, None)
        );
        assert_eq!(
            (
                view.default_domain.as_str(),
                view.challenge_request_keyword.as_str()
            ),
            ("", "")
        );
        assert_eq!(view.origin("event_window"), BUILT_IN);
        assert_eq!(view.value("grace_period_days"), None);
    }

    #[test]
    fn an_empty_list_ends_the_search() {
        let set = PolicySet::predefined();
        assert!(!set.effective("local").unwrap().allows_hash_protocol());
        assert!(
            set.effective("radius_plain")
                .unwrap()
                .allows_hash_protocol()
        );
        assert_eq!(
            set.effective("radius_self_assign")
                .unwrap()
                .origin("radius_protocols"),
            "radius_plain"
        );
    }

    #[test]
    fn a_choice_open_at_the_top_is_invalid() {
        let set = PolicySet::new([
            policy("top", None, json!({"local_auth": "inherit"})),
            policy("x", Some("top"), json!({})),
        ]);
        assert_eq!(
            set.effective("x").unwrap_err(),
            Invalid::Inherits {
                attribute: "local_auth",
                policy: "top".into()
            }
        );
    }

    #[test]
    fn a_loop_is_invalid_for_all_that_lead_into_it() {
        let set = with_predefined([
            policy("a", Some("b"), json!({})),
            policy("b", Some("A"), json!({})),
            policy("c", Some("a"), json!({})),
            policy("self", Some("self"), json!({})),
        ]);
        for id in ["a", "b", "c", "self"] {
            assert!(
                matches!(set.effective(id), Err(Invalid::Loop { .. })),
                "{id}"
            );
        }
        assert!(set.effective("local").is_ok());
    }

    #[test]
    fn missing_and_unreadable_parents_are_invalid() {
        let orphan = policy("orphan", Some("gone"), json!({}));
        let child = policy("child", Some("spoilt"), json!({}));
        let set =
            PolicySet::with_unreadable([orphan, child], [("spoilt".into(), "not JSON".into())]);
        assert_eq!(
            set.effective("orphan").unwrap_err(),
            Invalid::Missing {
                policy: "gone".into()
            }
        );
        assert_eq!(
            set.effective("nowhere").unwrap_err(),
            Invalid::Missing {
                policy: "nowhere".into()
            }
        );
        let error = set.effective("child").unwrap_err();
        assert_eq!(error.to_string(), "policy spoilt cannot be read: not JSON");
        assert!(set.effective("spoilt").is_err());
        assert_eq!(error.status(), crate::Status::INVALID_POLICY);
    }

    #[test]
    fn a_group_check_without_groups_is_invalid() {
        let set = with_predefined([
            policy("a", Some("local"), json!({"group_check": "reject"})),
            policy("b", Some("a"), json!({"groups": ["otp-users"]})),
            policy("c", Some("b"), json!({"client_group_check": "pass_back"})),
        ]);
        assert!(matches!(
            set.effective("a"),
            Err(Invalid::NoGroups {
                check: "group_check",
                ..
            })
        ));
        assert_eq!(set.effective("b").unwrap().group_check, GroupCheck::Reject);
        assert!(matches!(
            set.effective("c"),
            Err(Invalid::NoGroups {
                list: "client_groups",
                ..
            })
        ));
    }

    #[test]
    fn chains_handed_over_wrongly_are_refused() {
        let (a, b) = (
            policy("a", Some("b"), json!({})),
            predefined::restore_default("base").unwrap(),
        );
        assert!(matches!(resolve(&[]), Err(Invalid::Missing { .. })));
        assert_eq!(
            resolve(&[&a]).unwrap_err(),
            Invalid::Missing { policy: "b".into() }
        );
        assert_eq!(
            resolve(&[&a, &b]).unwrap_err(),
            Invalid::Missing { policy: "b".into() }
        );
        assert!(matches!(
            resolve(&[&a, &a]),
            Err(Invalid::Loop { .. } | Invalid::Missing { .. })
        ));
    }

    #[test]
    fn loops_are_seen_before_they_close() {
        let set = PolicySet::predefined();
        assert!(set.would_loop("local", "ad_self_assign"));
        assert!(set.would_loop("Base", "base"));
        assert!(!set.would_loop("ad_plain", "base"));
        assert!(!set.would_loop("new", "nowhere"));
        assert_eq!(
            set.children("LOCAL")
                .filter(|child| child.id == "ad_plain")
                .count(),
            1
        );
    }

    /// A parent for each of six policies (6 = none) and some values.
    fn forests() -> impl Strategy<Value = Vec<(usize, BTreeMap<usize, u8>)>> {
        let values = proptest::collection::btree_map(0..ATTRIBUTES.len(), any::<u8>(), 0..12);
        proptest::collection::vec((0..7_usize, values), 6)
    }

    fn planted(forest: &[(usize, BTreeMap<usize, u8>)]) -> Vec<Policy> {
        let sample = |attribute: &Attribute, seed: u8| match attribute.kind {
            Kind::Choice(names) => json!(names[usize::from(seed) % names.len()]),
            Kind::Number { min, max } => json!(min + i64::from(seed) % (max - min + 1)),
            Kind::Text { .. } => json!(format!("t{}", seed % 9)),
            Kind::List { .. } => json!([]),
        };
        let parent = |place: usize| {
            if place < 6 {
                format!("p{place}")
            } else {
                "base".to_owned()
            }
        };
        let plant = |(place, (above, values)): (usize, &(usize, BTreeMap<usize, u8>))| {
            let values = values.iter().map(|(at, seed)| {
                let attribute = &ATTRIBUTES[*at];
                (attribute.name.to_owned(), sample(attribute, *seed))
            });
            policy(
                &format!("p{place}"),
                Some(&parent(*above)),
                serde_json::Value::Object(values.collect()),
            )
        };
        forest.iter().enumerate().map(plant).collect()
    }

    proptest! {
        #[test]
        fn inheritance_is_idempotent(forest in forests()) {
            let set = with_predefined(planted(&forest));
            for id in 0..6 {
                let Ok(view) = set.effective(&format!("p{id}")) else { continue };
                let mut flat = Policy::new("flat", Some("base")).unwrap();
                for (attribute, value, _) in view.settings() {
                    if let Some(value) = value {
                        flat.values.insert(attribute.name, value.clone());
                    }
                }
                let again = with_predefined([flat]).effective("flat").unwrap();
                for (attribute, value, _) in view.settings() {
                    prop_assert_eq!(value, again.value(attribute.name));
                }
            }
        }

        #[test]
        fn a_child_without_values_is_its_parent(forest in forests()) {
            let mut policies = planted(&forest);
            policies.push(Policy::new("child", Some("p0")).unwrap());
            let set = with_predefined(policies);
            match (set.effective("p0"), set.effective("child")) {
                (Ok(parent), Ok(child)) => for (attribute, value, origin) in parent.settings() {
                    prop_assert_eq!(value, child.value(attribute.name));
                    prop_assert_eq!(origin, child.origin(attribute.name));
                },
                (parent, child) => prop_assert!(parent.is_err() && child.is_err()),
            }
        }

        #[test]
        fn a_foreseen_loop_is_a_loop(forest in forests(), at in 0..6_usize, under in 0..6_usize) {
            let mut policies = planted(&forest);
            let (id, parent) = (format!("p{at}"), format!("p{under}"));
            let foreseen = with_predefined(policies.clone()).would_loop(&id, &parent);
            policies[at].parent = Some(parent.clone());
            let mut walk = vec![id.clone()];
            let mut next = policies[at].parent.clone();
            while let Some(current) = next.filter(|current| !walk.contains(current)) {
                next = policies.iter().find(|policy| policy.id == current).and_then(|policy| policy.parent.clone());
                walk.push(current);
                if next.as_ref() == Some(&id) {
                    break;
                }
            }
            let back = policies.iter().find(|policy| Some(&policy.id) == walk.last()).and_then(|policy| policy.parent.clone());
            prop_assert_eq!(foreseen, back.as_ref() == Some(&id));
        }
    }
}

mod shipped {
    use super::*;

    #[test]
    fn all_resolve() {
        let set = PolicySet::predefined();
        let ids: Vec<_> = set.iter().map(|policy| policy.id.clone()).collect();
        assert_eq!(ids.len(), 28);
        for id in ids {
            let view = set.effective(&id).unwrap();
            assert_eq!(view.chain().last().unwrap(), "base");
            assert_eq!(
                view.to_json()["attributes"].as_object().unwrap().len(),
                ATTRIBUTES.len()
            );
            assert!(predefined::is_predefined(&id));
        }
    }

    #[test]
    fn every_value_of_the_rows_arrives() {
        let (rows, values) = predefined::rows_and_values();
        let made = predefined::all();
        assert_eq!(made.len(), rows + 1);
        assert_eq!(
            made.iter()
                .skip(1)
                .map(|policy| policy.values.len())
                .sum::<usize>(),
            values
        );
    }

    #[test]
    fn differ_as_documented() {
        let set = PolicySet::predefined();
        let view = |id: &str| set.effective(id).unwrap();
        assert_eq!(
            (view("base").local_auth, view("base").back_end_auth),
            (LocalAuth::None, BackEndAuth::None)
        );
        assert_eq!(view("admin_logon").user_lock_threshold, 0);
        assert!(view("admin_logon").initial_window_proof);
        assert_eq!(view("server").grace_period_days, Some(7));
        assert_eq!(view("logon_agent").back_end_protocol, "active_directory");
        assert_eq!(view("ldap_self_assign").serial_separator, "|");
        assert_eq!(
            view("ldap_self_assign").assignment_mode,
            AssignmentMode::SelfAssign
        );
        assert_eq!(view("push").push_request_method, RequestMethod::KeywordOnly);
        assert_eq!(view("local").push_request_method, RequestMethod::None);
        assert_eq!(
            view("challenge_response").challenge_request_keyword,
            "challenge"
        );
        assert_eq!(
            view("signature_secure").secure_channel,
            SecureChannel::Required
        );
        assert_eq!(view("signature_secure").online_signature_level, 1);
        assert_eq!(
            view("provisioning_multi_device").application_type,
            ApplicationTypeFilter::MasterActivation
        );
        assert!(view("radius_password_replacement").stored_password_proxy);
        assert_eq!(view("virtual_backup").backup_virtual_max_uses, Some(5));
        assert_eq!(
            view("local").challenge_message,
            "Please enter your one-time password"
        );
    }

    #[test]
    fn can_be_restored() {
        assert_eq!(predefined::restore_default("LOCAL").unwrap().id, "local");
        assert_eq!(predefined::restore_default("mine"), None);
    }

    #[test]
    fn limits_by_type_are_read() {
        let set = with_predefined([policy(
            "x",
            Some("local"),
            json!({"type_limits": ["soft:2", "hard:0"]}),
        )]);
        let view = set.effective("x").unwrap();
        assert_eq!(
            (
                view.type_limit("soft"),
                view.type_limit("hard"),
                view.type_limit("other")
            ),
            (Some(2), Some(0), None)
        );
    }
}

mod passwords {
    use super::*;

    #[test]
    fn administrators_have_the_servers_rules_and_users_those_of_the_top() {
        let set = PolicySet::predefined();
        let admins = set.password_rules("server", true).unwrap();
        let users = set.password_rules("server", false).unwrap();
        assert_eq!((admins.min_length, admins.history), (12, 5));
        assert_eq!(
            (users.min_length, users.history, users.expiry_notice_days),
            (8, 0, 14)
        );
    }

    #[test]
    fn a_top_with_open_choices_still_gives_rules() {
        let mut base = predefined::restore_default("base").unwrap();
        base.id = "child".into();
        base.parent = Some("top".into());
        let top = policy("top", None, json!({"pw_min_digits": 2}));
        let set = PolicySet::new([top, base]);
        let users = set.password_rules("child", false).unwrap();
        assert_eq!(
            (users.min_digits, users.min_length, users.not_user_id),
            (2, 0, false)
        );
        assert!(set.password_rules("top", true).is_err());
    }

    #[test]
    fn each_rule_is_checked() {
        let rules = PasswordRules {
            min_length: 8,
            min_lower: 1,
            min_upper: 1,
            min_digits: 2,
            min_symbols: 1,
            min_unique: 6,
            not_user_id: true,
            ..PasswordRules::default()
        };
        assert_eq!(rules.check("Gr\u{fc}n-47-Tisch", "bob"), []);
        assert_eq!(
            rules.check("", "bob"),
            [
                BrokenRule::Length(8),
                BrokenRule::Lower(1),
                BrokenRule::Upper(1),
                BrokenRule::Digits(2),
                BrokenRule::Symbols(1),
                BrokenRule::Unique(6)
            ]
        );
        assert_eq!(rules.check("x-12-BOB-34", "bob"), [BrokenRule::UserId]);
        assert_eq!(rules.check("aA1-1111", ""), [BrokenRule::Unique(6)]);
        assert_eq!(PasswordRules::default().check("", "bob"), []);
    }

    #[test]
    fn age_is_checked_in_whole_days() {
        let rules = PasswordRules {
            min_age_days: 2,
            ..PasswordRules::default()
        };
        assert_eq!(rules.check_age(1), Some(BrokenRule::TooSoon(2)));
        assert_eq!(rules.check_age(2), None);
    }

    #[test]
    fn texts_never_hold_the_candidate() {
        let rules = PasswordRules {
            min_length: 20,
            ..PasswordRules::default()
        };
        let texts: Vec<String> = rules
            .check("hunter2", "bob")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts, ["the password needs at least 20 characters"]);
    }
}
