use crate::admin::decide::{Context, Outcome};
use crate::admin::{Fields, Stop, account};
use crate::model::Overrides;
use crate::policy::{BackEndAuth, GroupCheck, LocalAuth};

pub(super) const LOCAL_AUTH: &[&str] = &[
    "none",
    "authenticator_only",
    "grace_period",
    "authenticator_or_password",
    "inherit",
];
pub(super) const BACK_END_AUTH: &[&str] = &["none", "if_needed", "always", "inherit"];
pub(super) const GROUP_CHECK: &[&str] = &["off", "pass_back", "reject", "back_end_only", "inherit"];
pub(super) const YES_NO: &[&str] = &["yes", "no", "inherit"];
pub(super) const DELIVERY: &[&str] = &[
    "sms",
    "email",
    "voice",
    "sms_email",
    "sms_voice",
    "email_voice",
    "inherit",
];

pub(super) fn set(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    Ok(account::changed(context, account, |user| {
        let mut overrides = user.overrides.as_deref().cloned().unwrap_or_default();
        patch(context.fields, &mut overrides);
        user.overrides = (overrides != Overrides::default()).then(|| Box::new(overrides));
    }))
}

/// `inherit` reads as no choice, and so takes the override away.
fn patch(fields: &Fields, to: &mut Overrides) {
    let text = |name| {
        move |fields: &Fields| {
            fields
                .text(name)
                .filter(|text| *text != "inherit" && !text.is_empty())
                .map(str::to_owned)
        }
    };
    fields.patch("local_auth", &mut to.local_auth, |fields| {
        fields.text("local_auth").and_then(LocalAuth::parse)
    });
    fields.patch("back_end_auth", &mut to.back_end_auth, |fields| {
        fields.text("back_end_auth").and_then(BackEndAuth::parse)
    });
    fields.patch("group_check", &mut to.group_check, |fields| {
        fields.text("group_check").and_then(GroupCheck::parse)
    });
    fields.patch(
        "offline_auth",
        &mut to.offline_auth,
        |fields| match fields.text("offline_auth") {
            Some("yes") => Some(true),
            Some("no") => Some(false),
            _ => None,
        },
    );
    fields.patch(
        "max_days_between_authentications",
        &mut to.max_days_between_authentications,
        |fields| {
            fields
                .number("max_days_between_authentications")
                .and_then(|days| u32::try_from(days).ok())
        },
    );
    fields.patch(
        "delivery_method",
        &mut to.delivery_method,
        text("delivery_method"),
    );
    fields.patch(
        "delivery_profile",
        &mut to.delivery_profile,
        text("delivery_profile"),
    );
    fields.patch(
        "signature_delivery_method",
        &mut to.signature_delivery_method,
        text("signature_delivery_method"),
    );
    fields.patch(
        "signature_delivery_profile",
        &mut to.signature_delivery_profile,
        text("signature_delivery_profile"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::DeliveryMethod;

    #[test]
    fn the_choices_are_those_of_the_policy_and_inherit() {
        for (own, policy) in [
            (LOCAL_AUTH, LocalAuth::NAMES),
            (BACK_END_AUTH, BackEndAuth::NAMES),
            (GROUP_CHECK, GroupCheck::NAMES),
            (DELIVERY, DeliveryMethod::NAMES),
        ] {
            let (inherit, rest) = own.split_last().unwrap();
            assert_eq!(*inherit, "inherit");
            assert_eq!(
                rest.iter().collect::<std::collections::BTreeSet<_>>(),
                policy.iter().collect::<std::collections::BTreeSet<_>>()
            );
        }
    }
}
