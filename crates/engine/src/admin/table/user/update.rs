use crate::admin::decide::{Context, Outcome};
use crate::admin::{Stop, account};
use crate::model::{Contact, User};

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    Ok(account::changed(context, account, |user| {
        contact(context, user);
    }))
}

/// What is known of the person, as far as it was sent.
pub(super) fn contact(context: &Context<'_>, user: &mut User) {
    let fields = context.fields;
    let mut contact = user.contact.as_deref().cloned().unwrap_or_default();
    fields.patch_text("name", &mut contact.name);
    fields.patch_text("description", &mut contact.description);
    fields.patch_text("email", &mut contact.email);
    fields.patch_text("phone", &mut contact.phone);
    fields.patch_text("mobile", &mut contact.mobile);
    fields.patch_text("locale", &mut contact.locale);
    user.contact = (contact != Contact::default()).then(|| Box::new(contact));
    fields.patch("max_sessions", &mut user.max_sessions, |fields| {
        fields
            .number("max_sessions")
            .and_then(|n| u16::try_from(n).ok())
    });
}
