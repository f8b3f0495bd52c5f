use super::*;
use crate::tests::world::{application, authenticator, user};

/// An account in which every field that can be packed has a value of its own.
fn full() -> Account {
    let time = |n: i64| Some(Timestamp(1_700_000_000_000_000 + n));
    let meta = Meta {
        created: Timestamp(-5),
        modified: Timestamp(i64::MAX),
        record_version: 3,
        revision: i64::MIN,
    };
    let sealed = |byte| Sealed(vec![byte; 70].into());
    let mut app = application();
    app.key = ApplicationKey(300);
    app.index = 200;
    app.kind = ApplicationKind::Virtual;
    (app.active, app.secure_channel, app.host_code, app.confirm) = (false, true, false, true);
    app.algorithm = Algorithm::Totp {
        hash: Hash::Sha512,
        digits: 8,
        period: 3600,
    };
    app.pin = PinSettings {
        supported: true,
        enabled: false,
        change_allowed: true,
        min_length: 7,
    };
    (app.secret, app.sealed_pin) = (sealed(1), Some(sealed(2)));
    app.state = ApplicationState {
        version: 9,
        counter: u64::MAX,
        drift: -70_000,
        last_step: Some(u64::MAX - 1),
        initial: true,
        restored: true,
        pin_change_forced: true,
        errors: u32::MAX,
        signature_errors: 5,
        last_success: time(1),
        challenges: -1,
        checked_step: Some(0),
        resync: Some((77, Timestamp(i64::MIN))),
    };
    app.meta = meta;
    let hotp = Application {
        algorithm: Algorithm::Hotp {
            hash: Hash::Sha256,
            digits: 6,
        },
        ..application()
    };
    let mut device = authenticator(DomainKey(2), "SERIAL", UserKey(1));
    device.org_unit = Some(UnitKey(4));
    device.assigned_at = time(2);
    device.reserved = true;
    (device.grace_end, device.expires_at) = (Some(Day(-1)), Some(Day(i32::MAX)));
    (device.starts_at, device.disabled_at) = (time(3), time(4));
    device.description = "Gr\u{fc}n".to_owned();
    device.applications = vec![app, hotp];
    device.meta = meta;
    let other = authenticator(DomainKey(1), "OTHER", UserKey(1));
    let mut user = user(DomainKey(2), "Alice");
    user.key = UserKey(1);
    user.folded = "alice".to_owned();
    user.org_unit = Some(UnitKey(8));
    user.password = Some(StoredPassword {
        verifier: sealed(3),
        copy: Some(sealed(4)),
        history: Some(sealed(5)),
        set_at: Timestamp(6),
    });
    user.disabled = true;
    user.expires_at = time(5);
    user.meta = meta;
    let state = UserState {
        version: 2,
        lock_count: 3,
        locked: Some(LockReason::Administrator),
        unlock_attempts_used: 4,
        lock_duration_min: 5,
        last_auth_at: time(6),
        last_auth_request_at: time(7),
        last_failure_at: time(8),
    };
    Account {
        owner: user.key,
        user,
        state,
        authenticators: vec![device, other],
        attributes: Vec::new(),
    }
}

/// Everything of an account as text; what does not print itself as bytes.
fn text(account: &Account) -> String {
    let apps = account
        .authenticators
        .iter()
        .flat_map(|one| &one.applications);
    let of_apps = apps.flat_map(|app| [Some(&app.secret), app.sealed_pin.as_ref()]);
    let password = account.user.password.iter();
    let of_user =
        password.flat_map(|one| [Some(&one.verifier), one.copy.as_ref(), one.history.as_ref()]);
    let sealed: Vec<_> = of_apps
        .chain(of_user)
        .map(|one| one.map(|one| one.0.clone()))
        .collect();
    format!("{account:?} {sealed:?}")
}

#[test]
fn an_account_is_the_same_after_packing() {
    let mut account = full();
    let same = |account: &Account| {
        let unpacked = unpack(&pack(account).unwrap()).unwrap();
        assert_eq!(text(&unpacked), text(account));
    };
    same(&account);
    account.state.locked = Some(LockReason::Failures);
    account.user.folded.clone_from(&account.user.id);
    account.user.password = None;
    same(&account);
    (account.state, account.user.disabled) = (UserState::default(), false);
    account.authenticators.clear();
    same(&account);
}

#[test]
fn an_account_of_an_unusual_shape_is_left_alone() {
    let changes: [fn(&mut Account); 9] = [
        |account| account.owner = UserKey(7),
        |account| account.user.linked = Some(UserKey(7)),
        |account| account.user.contact = Some(Box::default()),
        |account| account.user.overrides = Some(Box::default()),
        |account| account.user.max_sessions = Some(1),
        |account| account.user.last_logon = Some((Timestamp(1), String::new())),
        |account| _ = account.user.privileges.insert("admin.logon".to_owned()),
        |account| account.authenticators[0].backup_uses_left = Some(1),
        |account| {
            let suite = "OCRA-1:HOTP-SHA1-6:QN08".parse().unwrap();
            account.authenticators[0].applications[0].algorithm = Algorithm::Ocra(Box::new(suite));
        },
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut account = full();
        change(&mut account);
        assert!(pack(&account).is_none(), "{place}");
    }
}

#[test]
fn what_is_cut_off_does_not_unpack() {
    let packed = pack(&full()).unwrap();
    for length in 0..packed.len() {
        assert!(unpack(&packed[..length]).is_none(), "{length}");
    }
}
