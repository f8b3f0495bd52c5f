-- What is asked about users elsewhere, and the questions of others that are passed on.

CREATE TABLE back_end (                     -- Back-ends.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    name TEXT NOT NULL,                     -- Name as spelled.
    folded TEXT NOT NULL UNIQUE,            -- Folded name.
    protocol TEXT NOT NULL,                 -- radius, active_directory, ldap, windows or webhook.
    domain_key INTEGER,                     -- The domain whose users it knows; NULL: everybody's.
    priority INTEGER NOT NULL,              -- Higher ones are asked first.
    enabled INTEGER NOT NULL,               -- 0: counts as absent.
    address TEXT NOT NULL,                  -- Host name, address or URL.
    port INTEGER,                           -- Port; NULL: the usual one.
    timeout_s INTEGER NOT NULL,             -- Seconds one try may take.
    retries INTEGER NOT NULL,               -- Further tries.
    own TEXT NOT NULL,                      -- The fields of the protocol, a JSON object by the names of the commands.
    attribute_map TEXT NOT NULL,            -- Attributes by field of an account, a JSON object.
    shared_secret BLOB,                     -- radius: shared secret, sealed.
    bind_password BLOB,                     -- Directory: password of the account that searches, sealed.
    hmac_key BLOB,                          -- webhook: key of the signature, sealed.
    client_key BLOB,                        -- webhook: private key of the client certificate, sealed.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE TABLE back_end_group (               -- Groups of back-ends of one protocol.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    name TEXT NOT NULL,                     -- Name as spelled.
    folded TEXT NOT NULL UNIQUE,            -- Folded name.
    protocol TEXT NOT NULL,                 -- Protocol of the members.
    members TEXT NOT NULL,                  -- Row numbers of the members, the first to be asked first, a JSON array.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

ALTER TABLE challenge ADD COLUMN relayed_server INTEGER; -- Kind 8, a question of a back-end: the back-end that asked.
ALTER TABLE challenge ADD COLUMN relayed_state BLOB; -- Its State.
ALTER TABLE challenge ADD COLUMN relayed_domain INTEGER; -- Domain of who may answer.
ALTER TABLE challenge ADD COLUMN relayed_user TEXT; -- His folded user ID.

CREATE INDEX authenticator_free ON authenticator (domain_key, unit_key, type_name, expires_at)
    WHERE user_key IS NULL AND reserved = 0 AND disabled_at IS NULL;
