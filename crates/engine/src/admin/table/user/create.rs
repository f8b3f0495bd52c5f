use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::fresh;
use crate::admin::table::org_unit;
use crate::admin::{Put, Refusal, Stop, Write, account, password};
use crate::facts::{Account, Found};
use crate::model::{DomainKey, Sealed, StoredPassword, User, UserKey, UserState};
use crate::snapshot::Snapshot;
use crate::text::fold;
use crate::time::Timestamp;

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (fields, given) = (context.fields, context.given);
    let domain = context.domain("domain")?.key;
    let id = fields.need("user")?;
    match given
        .facts
        .account(&crate::admin::needs::AccountRef::Named(domain, fold(id)))
    {
        Found::Nobody => {}
        Found::Account(_) | Found::Unreadable(..) => {
            return Err(Refusal::exists(format_args!("user {id}")).into());
        }
    }
    let mut account = account_of(given.snapshot, domain, id, given.at);
    let user = &mut account.user;
    user.org_unit = org_unit::named(context, "org_unit", domain)?;
    user.disabled = fields.flag("disabled").unwrap_or(false);
    user.expires_at = fields.time("expires_at");
    super::update::contact(context, user);
    let new = fields
        .secret("password")
        .map(|candidate| password::accepted(context, &account, candidate))
        .transpose()?;
    if fields.has("confirm") && new.is_none() {
        return Err(Refusal::contradiction("confirm stands without password").into());
    }
    if let Some(new) = &new {
        let empty = Sealed(Box::default());
        account.user.password = Some(StoredPassword {
            verifier: empty,
            copy: None,
            history: None,
            set_at: new.set_at,
        });
    }
    let view = account::shown(context, &account);
    let mut put = Put::new(account.user);
    if let Some(new) = new {
        put = put.with("password", Some(new.verifier));
        if let Some(copy) = new.copy {
            put = put.with("password_copy", Some(copy));
        }
    }
    Ok(Outcome::answer(view).write(Write::User(Box::new(put))))
}

/// A new account with this user ID, in the case that the setting `user_id_case` wants.
pub(crate) fn account_of(
    snapshot: &Snapshot,
    domain: DomainKey,
    id: &str,
    at: Timestamp,
) -> Account {
    let id = match snapshot.settings.text("user_id_case") {
        "lower" => id.to_lowercase(),
        "upper" => id.to_uppercase(),
        _ => id.to_owned(),
    };
    let key = UserKey(-1);
    let user = User {
        key,
        domain,
        folded: fold(&id),
        id,
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: std::collections::BTreeSet::new(),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta: fresh(at),
    };
    Account {
        user,
        state: UserState::default(),
        authenticators: Vec::new(),
        attributes: Vec::new(),
        owner: key,
    }
}
