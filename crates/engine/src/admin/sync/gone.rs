//! Owned accounts whose entry is gone: they are kept, disabled or deleted.

use super::plan::{ADMINISTRATOR, commands, owner};
use super::row::{of_change, of_warning};
use super::{Act, Decided, Facts, Row, Run, Verdict};
use crate::Status;
use crate::admin::meta::touched;
use crate::admin::table::user::{moved, removed};
use crate::admin::{Refusal, Write};
use crate::decision::Change;
use crate::facts::Account;
use crate::model::{SyncGone, SyncProfile};
use serde_json::{Value as Json, json};

/// Refuses to let more accounts go than the profile lets go unasked. `owned`: all accounts it owns; `going`: those that
/// would be deleted or disabled.
///
/// # Errors
/// -2, with the figures and what to do.
pub(super) fn brake(profile: &SyncProfile, owned: u64, going: u64) -> Result<(), Refusal> {
    let most = u64::from(profile.max_delete_percent);
    if going.saturating_mul(100) <= owned.saturating_mul(most) {
        return Ok(());
    }
    let what = match profile.options.gone {
        SyncGone::Disable => "disabled",
        SyncGone::Keep | SyncGone::Delete => "deleted",
    };
    Err(Refusal::contradiction(format!(
        "{going} of {owned} accounts of the profile would be {what}, more than max_delete_percent = {most}; none was: look at sync-profile/dry-run, then run with confirm_deletes"
    )))
}

/// Decides accounts whose entry was not found in a directory that was read to its end.
pub fn gone(run: &Run<'_>, facts: &Facts, warn: u64) -> Decided {
    let mut decided = Decided::default();
    let mut warned = 0;
    for account in &facts.accounts {
        let ours = owner(account).filter(|owner| owner.profile == run.profile.key);
        let Some(owner) = ours else {
            continue; // another one has it by now
        };
        let mut row = Row {
            dn: owner.dn.clone(),
            user: account.user.id.clone(),
            ..Row::default()
        };
        let writes = one(run, facts, account, &mut row);
        decided
            .changes
            .extend(writes.into_iter().map(Change::Write));
        for (verb, input) in told(run, account, &row) {
            let place = run.place + decided.records.len() as u64 + 1;
            decided.records.extend(of_change(run, place, verb, input));
        }
        if row.refused.is_some() && warned < warn {
            warned += 1;
            let place = run.place + decided.records.len() as u64 + 1;
            decided.records.extend(of_warning(run, place, &row));
        }
        decided.verdicts.push(Verdict::Row(row));
    }
    decided
}

fn one(run: &Run<'_>, facts: &Facts, account: &Account, row: &mut Row) -> Vec<Write> {
    let user = &account.user;
    let way = run.profile.options.gone;
    if way == SyncGone::Keep || (way == SyncGone::Disable && user.disabled) {
        return Vec::new();
    }
    if !user.privileges.is_empty() {
        row.refused = Some((Status::USER_SYNC_FAILED, ADMINISTRATOR.to_owned()));
        return Vec::new();
    }
    if way == SyncGone::Disable {
        let mut after = user.clone();
        after.disabled = true;
        after.meta = touched(after.meta, run.at);
        row.acts.push(Act::Disabled);
        row.changes
            .push(("disabled".to_owned(), json!(false), json!(true)));
        let mut writes = moved(run.snapshot, account, after);
        writes.push(Write::RemoveSessionsOf(user.key));
        return writes;
    }
    if facts.lenders.contains(&user.key) {
        let why = "other accounts use the authenticators of this one; unlink them first";
        row.refused = Some((Status::INVPARAM, why.to_owned()));
        return Vec::new();
    }
    row.acts.push(Act::Deleted);
    removed(account)
}

fn told(run: &Run<'_>, account: &Account, row: &Row) -> Vec<super::plan::Told> {
    let domain = run.snapshot.domains.name(account.user.domain);
    if row.acts.contains(&Act::Deleted) {
        let input = [("user", &*account.user.id), ("domain", domain)]
            .map(|(name, value)| (name.to_owned(), Json::from(value)));
        return vec![(("user", "delete"), input.into_iter().collect())];
    }
    commands(&account.user.id, domain, row)
}
