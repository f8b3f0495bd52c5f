-- The first schema. Types are INTEGER, TEXT and BLOB only; times are microseconds since 1970-01-01T00:00:00Z,
-- days are days since then. The comments become docs/schema.md.

CREATE TABLE row_number (                   -- The next row number of each table, so that a number is never given twice.
    name TEXT NOT NULL PRIMARY KEY,         -- Table.
    next INTEGER NOT NULL                   -- The next number.
) STRICT;

CREATE TABLE change (                       -- One row: the generation of the configuration.
    id INTEGER NOT NULL PRIMARY KEY,        -- Always 1.
    generation INTEGER NOT NULL             -- Rises with every change of a domain, unit, policy, component, type or setting.
) STRICT;

CREATE TABLE node (                         -- The servers that use this store.
    name TEXT NOT NULL PRIMARY KEY,         -- Name of the node.
    version TEXT NOT NULL,                  -- Version of its program.
    started INTEGER NOT NULL,               -- Last start.
    seen INTEGER NOT NULL                   -- Last proof that it can write.
) STRICT;

CREATE TABLE setting (                      -- Settings that differ from their default.
    name TEXT NOT NULL PRIMARY KEY,         -- Name.
    value TEXT NOT NULL,                    -- Value as text.
    modified INTEGER NOT NULL               -- When it was set.
) STRICT;

CREATE TABLE domain (                       -- Top-level containers of users and authenticators.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    name TEXT NOT NULL,                     -- Name as spelled.
    folded TEXT NOT NULL UNIQUE,            -- Folded name.
    description TEXT NOT NULL,              -- Free text.
    master INTEGER NOT NULL,                -- 1 for the master domain.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE TABLE org_unit (                     -- Organizational units.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    domain_key INTEGER NOT NULL,            -- Domain.
    name TEXT NOT NULL,                     -- Name as spelled.
    folded TEXT NOT NULL,                   -- Folded name.
    parent_key INTEGER,                     -- Unit above.
    description TEXT NOT NULL,              -- Free text.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL,              -- Rises with every change.
    UNIQUE (domain_key, folded)
) STRICT;

CREATE TABLE policy (                       -- Policies.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    policy_id TEXT NOT NULL,                -- Id as spelled.
    folded TEXT NOT NULL UNIQUE,            -- Folded id.
    body TEXT NOT NULL,                     -- The policy in its export form: JSON with the values it sets itself.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE TABLE component (                    -- Client and server components.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    kind TEXT NOT NULL,                     -- Type, such as radius_client.
    location TEXT NOT NULL,                 -- Address, CIDR range, host name or default.
    location_kind TEXT NOT NULL,            -- network, host or default.
    nas_id TEXT NOT NULL,                   -- NAS-Identifier or NAS-IP-Address that narrows the choice, or empty.
    policy TEXT NOT NULL,                   -- Policy by id.
    enabled INTEGER NOT NULL,               -- 0: counts as absent.
    description TEXT NOT NULL,              -- Free text.
    shared_secret BLOB,                     -- RADIUS shared secret, sealed.
    charset TEXT NOT NULL,                  -- Character set: utf8, latin1, cp1252, ascii.
    require_message_authenticator INTEGER NOT NULL, -- 1: Access-Requests without one are dropped.
    not_handled TEXT NOT NULL,              -- Answer where a request is not handled: reject or silent.
    status_in_reply INTEGER NOT NULL,       -- 1: the status number is appended to Reply-Message.
    reply_texts TEXT NOT NULL,              -- Reply-Message by status number, a JSON object.
    challenges INTEGER NOT NULL,            -- 1: the client can carry a challenge.
    trusted_forwarder INTEGER NOT NULL,     -- 1: may state the address of its client.
    return_static_password INTEGER NOT NULL, -- 1: may get the static password back.
    api_key BLOB,                           -- Keyed hash of the API key.
    client_certificate TEXT,                -- SHA-256 fingerprint of the client certificate, hexadecimal.
    address_only INTEGER NOT NULL,          -- 1: admitted by address alone.
    rate_per_s INTEGER,                     -- Most RADIUS requests a second.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL,              -- Rises with every change.
    UNIQUE (kind, location, nas_id)
) STRICT;

CREATE TABLE authenticator_type (           -- Named types of authenticators.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    name TEXT NOT NULL UNIQUE,              -- Name.
    description TEXT NOT NULL,              -- Free text.
    profile TEXT NOT NULL,                  -- Provisioning profile by name.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE TABLE "user" (                       -- User accounts: what a command writes. The moving part is in user_state.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    domain_key INTEGER NOT NULL,            -- Domain.
    user_id TEXT NOT NULL,                  -- User ID as spelled.
    folded TEXT NOT NULL,                   -- Folded user ID.
    unit_key INTEGER,                       -- Organizational unit.
    name TEXT,                              -- Name of the person.
    name_folded TEXT,                       -- The same, folded, for searches.
    description TEXT,                       -- Free text.
    description_folded TEXT,                -- The same, folded, for searches.
    email TEXT,                             -- Mail address.
    email_folded TEXT,                      -- The same, folded, for searches.
    phone TEXT,                             -- Telephone number.
    mobile TEXT,                            -- Mobile number.
    locale TEXT,                            -- Locale of messages.
    password BLOB,                          -- Verifier of the static password, sealed.
    password_copy BLOB,                     -- Recoverable copy of it, sealed; only where it is needed.
    password_history BLOB,                  -- Earlier verifiers, sealed.
    password_set_at INTEGER,                -- When the static password was set.
    local_auth TEXT,                        -- Overrides the policy; NULL: as the policy says. So the next eight too.
    back_end_auth TEXT,                     -- When a back-end is asked.
    group_check TEXT,                       -- What happens outside the groups.
    offline_auth INTEGER,                   -- 1: offline data after an online logon.
    max_days_between_authentications INTEGER, -- Days without a logon until suspension; 0: off.
    delivery_method TEXT,                   -- How virtual one-time passwords are sent.
    delivery_profile TEXT,                  -- Gateway profile for them.
    signature_delivery_method TEXT,         -- How virtual signatures are sent.
    signature_delivery_profile TEXT,        -- Gateway profile for them.
    linked_key INTEGER,                     -- The account whose authenticators this one uses.
    disabled INTEGER NOT NULL,              -- 1: disabled by an administrator.
    expires_at INTEGER,                     -- End of the account.
    privileges TEXT,                        -- Privileges of an administrator, a JSON array.
    last_logon_at INTEGER,                  -- Previous logon as an administrator.
    last_logon_from TEXT,                   -- Its source address.
    max_sessions INTEGER,                   -- Most administrative sessions at a time.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL,              -- Rises with every change.
    UNIQUE (domain_key, folded)
) STRICT;

CREATE INDEX user_linked ON "user" (linked_key) WHERE linked_key IS NOT NULL;

CREATE TABLE user_state (                   -- The moving part of an account.
    user_key INTEGER NOT NULL PRIMARY KEY,  -- Row number of the account.
    version INTEGER NOT NULL,               -- Guard: rises with every write of the row and every change of the account.
    lock_count INTEGER NOT NULL,            -- Counted failures in a row.
    locked INTEGER NOT NULL,                -- 0 no, 1 by failures, 2 by an administrator.
    unlock_attempts_used INTEGER NOT NULL,  -- Attempts of automatic unlock used since the lock.
    lock_duration_min INTEGER NOT NULL,     -- Present lock duration in minutes.
    last_auth_at INTEGER,                   -- Last success that wrote this row; the account's real one may be in application_state.
    last_auth_request_at INTEGER,           -- Last request while it was needed.
    last_failure_at INTEGER                 -- Last counted failure.
) STRICT;

CREATE TABLE user_attribute (               -- Custom attributes of accounts.
    user_key INTEGER NOT NULL,              -- Account.
    group_name TEXT NOT NULL,               -- Group.
    name TEXT NOT NULL,                     -- Name.
    position INTEGER NOT NULL,              -- Position among attributes of the same name.
    usage TEXT NOT NULL,                    -- reply or custom.
    value TEXT NOT NULL,                    -- Value.
    PRIMARY KEY (user_key, group_name, name, position)
) STRICT;

CREATE TABLE authenticator (                -- Authenticators.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    serial TEXT NOT NULL UNIQUE,            -- Serial number.
    domain_key INTEGER NOT NULL,            -- Domain.
    unit_key INTEGER,                       -- Organizational unit.
    type_name TEXT NOT NULL,                -- Type by name.
    user_key INTEGER,                       -- The account it is assigned to.
    assigned_at INTEGER,                    -- When it was assigned.
    reserved INTEGER NOT NULL,              -- 1: only for individual assignment.
    grace_end INTEGER,                      -- Day from which the static password alone no longer suffices.
    expires_at INTEGER,                     -- Day from which it is expired.
    starts_at INTEGER,                      -- Not usable before.
    disabled_at INTEGER,                    -- Disabled since.
    description TEXT NOT NULL,              -- Free text.
    description_folded TEXT NOT NULL,       -- The same, folded, for searches.
    backup_virtual TEXT,                    -- Overrides the policy's backup virtual authenticator.
    backup_until INTEGER,                   -- Last day of a time-limited backup.
    backup_uses_left INTEGER,               -- Uses of the backup left.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE INDEX authenticator_user ON authenticator (user_key);

CREATE TABLE application (                  -- Applications of authenticators. The moving part is in application_state.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    authenticator_key INTEGER NOT NULL,     -- Authenticator.
    name TEXT NOT NULL,                     -- Name within the authenticator.
    position INTEGER NOT NULL,              -- Index within the authenticator.
    kind TEXT NOT NULL,                     -- RO, CR, SG, MM, MA or VIR.
    active INTEGER NOT NULL,                -- 0: switched off.
    secure_channel INTEGER NOT NULL,        -- 1: takes part in encrypted requests.
    host_code INTEGER NOT NULL,             -- 1: makes host codes.
    confirm INTEGER NOT NULL,               -- 1: makes confirmation codes.
    algorithm TEXT NOT NULL,                -- HOTP, TOTP or OCRA.
    hash TEXT,                              -- SHA1, SHA256 or SHA512 (HOTP, TOTP).
    digits INTEGER,                         -- Response length (HOTP, TOTP).
    period INTEGER,                         -- Time step in seconds (TOTP).
    suite TEXT,                             -- Suite (OCRA).
    pin_supported INTEGER NOT NULL,         -- 1: may have a server PIN.
    pin_enabled INTEGER NOT NULL,           -- 1: the PIN is demanded.
    pin_change_allowed INTEGER NOT NULL,    -- 1: the user may change it.
    pin_min_length INTEGER NOT NULL,        -- Shortest new PIN.
    secret BLOB NOT NULL,                   -- Key, sealed.
    pin BLOB,                               -- Server PIN, sealed.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL,              -- Rises with every change.
    UNIQUE (authenticator_key, name)
) STRICT;

CREATE TABLE application_state (            -- The moving part of an application: the one row that a logon writes.
    application_key INTEGER NOT NULL PRIMARY KEY, -- Row number of the application.
    version INTEGER NOT NULL,               -- Guard: rises with every write of the row and every change of what a logon depends on.
    counter INTEGER NOT NULL,               -- Next acceptable counter.
    drift INTEGER NOT NULL,                 -- Learnt clock offset in steps.
    last_step INTEGER,                      -- Last accepted time step.
    initial INTEGER NOT NULL,               -- Sum of 1: never used since import or reset, and 2: restored, wants two values in a row.
    pin_change_forced INTEGER NOT NULL,     -- 1: the next logon must change the PIN.
    errors INTEGER NOT NULL,                -- Bad values in a row.
    signature_errors INTEGER NOT NULL,      -- Bad signatures in a row.
    last_success INTEGER,                   -- Last accepted value.
    challenges INTEGER NOT NULL,            -- Number of challenges issued.
    checked_step INTEGER,                   -- Last time step in which a response was verified.
    resync_value INTEGER,                   -- Resynchronisation: the counter or step matched outside the window.
    resync_at INTEGER                       -- When it was.
) STRICT;

CREATE TABLE challenge (                    -- Challenges that wait for an answer.
    key BLOB NOT NULL PRIMARY KEY,          -- 128 random bits.
    kind INTEGER NOT NULL,                  -- 1 one-step, 2 two-step, 3 two-step with password, 4 second OTP, 5 memory of an accepted response, 6 and 7 as 2 and 3 with the PIN proven.
    component_type TEXT NOT NULL,           -- Type of the component that may answer.
    user_key INTEGER,                       -- Who may answer.
    application_key INTEGER,                -- The application that was asked.
    number INTEGER NOT NULL,                -- Number of the challenge at its application.
    question TEXT NOT NULL,                 -- The digits asked.
    issued INTEGER NOT NULL,                -- When it was issued.
    wrong INTEGER NOT NULL,                 -- Wrong answers so far.
    version INTEGER NOT NULL                -- Guard: rises with every write.
) STRICT;

CREATE INDEX challenge_user ON challenge (user_key, issued);
CREATE INDEX challenge_issued ON challenge (issued);

CREATE TABLE kept_answer (                  -- Answers to requests that named their own request_id, for their repetition.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    component_type TEXT NOT NULL,           -- Component type.
    request_id TEXT NOT NULL,               -- The client's request_id.
    body BLOB NOT NULL,                     -- Keyed hash of the request body.
    answer BLOB NOT NULL,                   -- The answer, sealed.
    expires INTEGER NOT NULL,               -- Not used after this.
    UNIQUE (component_type, request_id)
) STRICT;

CREATE INDEX kept_answer_expires ON kept_answer (expires);

CREATE TABLE session (                      -- Administrative sessions.
    key BLOB NOT NULL PRIMARY KEY,          -- Keyed hash of the token.
    user_key INTEGER NOT NULL,              -- Who logged on.
    source TEXT NOT NULL,                   -- The address it is bound to.
    component_type TEXT NOT NULL,           -- The component it was opened through.
    started INTEGER NOT NULL,               -- When it began.
    last_use INTEGER NOT NULL               -- Last use.
) STRICT;

CREATE INDEX "session_user" ON session (user_key);

CREATE TABLE data_key (                     -- The key ring: keys wrapped under the root key.
    id TEXT NOT NULL PRIMARY KEY,           -- Id of the key.
    class TEXT NOT NULL,                    -- storage, sensitive, transport, audit or token.
    algorithm TEXT NOT NULL,                -- Algorithm.
    state TEXT NOT NULL,                    -- active, decrypt_only or retired.
    created INTEGER NOT NULL,               -- When it was made.
    wrapped BLOB NOT NULL,                  -- The key, wrapped.
    root TEXT NOT NULL                      -- Id of the root key that wraps it.
) STRICT;

CREATE TABLE audit_key (                    -- Keys that sign the checkpoints of the audit trail.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    id TEXT NOT NULL UNIQUE,                -- Id of the key, derived from its public half.
    node TEXT NOT NULL,                     -- The node it was made for.
    created INTEGER NOT NULL,               -- When it was made.
    public BLOB NOT NULL,                   -- Ed25519 public key.
    private BLOB NOT NULL,                  -- Private key, sealed.
    previous BLOB,                          -- Public key of the node's key before it.
    signature BLOB                          -- That key's signature over this one.
) STRICT;

CREATE TABLE audit_checkpoint (             -- The newest checkpoint of each node.
    node TEXT NOT NULL PRIMARY KEY,         -- Node.
    epoch BLOB NOT NULL,                    -- Epoch.
    seq INTEGER NOT NULL,                   -- The record before the checkpoint.
    hash BLOB NOT NULL,                     -- Its hash.
    time INTEGER NOT NULL                   -- When it was made.
) STRICT;

CREATE TABLE audit_epoch (                  -- One row for each chain of audit records: a node's life from start to stop.
    number INTEGER NOT NULL PRIMARY KEY,    -- Number of the epoch in this store.
    epoch BLOB NOT NULL UNIQUE,             -- Id: 128 random bits.
    node TEXT NOT NULL,                     -- Node.
    started INTEGER NOT NULL                -- When it began.
) STRICT;

CREATE TABLE audit_segment (                -- Audit records: one row holds all records of a commit.
    key INTEGER NOT NULL PRIMARY KEY,       -- Number of the epoch times 2097152 plus the first sequence number: a chain cannot fork.
    epoch INTEGER NOT NULL,                 -- Number of the epoch.
    first INTEGER NOT NULL,                 -- Sequence number of the first record.
    count INTEGER NOT NULL,                 -- Number of records.
    from_time INTEGER NOT NULL,             -- Earliest time of a record.
    to_time INTEGER NOT NULL,               -- Latest time of a record.
    head BLOB NOT NULL,                     -- Hash of the last record.
    body BLOB NOT NULL                      -- The records as canonical JSON without their hash, one a line.
) STRICT;

CREATE INDEX audit_segment_time ON audit_segment (to_time);

CREATE TABLE trace_segment (                -- Traces of the decisions of a commit, no part of the chain.
    key INTEGER NOT NULL PRIMARY KEY,       -- Key of the audit segment of the same commit.
    to_time INTEGER NOT NULL,               -- Latest time of a record of the commit.
    body BLOB NOT NULL                      -- For each trace: id of the main record (16 bytes), length (4 bytes, big endian), trace.
) STRICT;
