-- What is taken over from directories.

CREATE TABLE sync_profile (                 -- Synchronisation profiles.
    key INTEGER NOT NULL PRIMARY KEY,       -- Row number.
    name TEXT NOT NULL,                     -- Name as spelled.
    folded TEXT NOT NULL UNIQUE,            -- Folded name.
    enabled INTEGER NOT NULL,               -- 0: does not run.
    source_key INTEGER NOT NULL,            -- The back-end that is read.
    base TEXT,                              -- Where entries are searched; NULL: the base of the back-end.
    scope TEXT NOT NULL,                    -- subtree, one or base.
    filter TEXT,                            -- Which entries; NULL: the users of the back-end.
    domain_key INTEGER NOT NULL,            -- Domain of the accounts.
    unit_key INTEGER,                       -- Their unit.
    successor TEXT,                         -- Who gets what a deleted account leaves behind.
    mapping TEXT NOT NULL,                  -- Attributes by field, a JSON object.
    options TEXT NOT NULL,                  -- What a run may do, a JSON object.
    max_delete_percent INTEGER NOT NULL,    -- A run that would let more of its accounts go stops before.
    created INTEGER NOT NULL,               -- When the record was made.
    modified INTEGER NOT NULL,              -- When it was last changed.
    record_version INTEGER NOT NULL,        -- Format of the record.
    revision INTEGER NOT NULL               -- Rises with every change.
) STRICT;

CREATE TABLE sync_run (                     -- The newest run of each profile.
    profile_key INTEGER NOT NULL PRIMARY KEY, -- The profile.
    version INTEGER NOT NULL,               -- Rises with every change: who holds it, holds the run.
    node TEXT NOT NULL,                     -- The node that works on it.
    caller TEXT NOT NULL,                   -- Who ordered it.
    state TEXT NOT NULL,                    -- running, done, braked, cancelled or failed.
    started INTEGER NOT NULL,               -- When it began.
    seen INTEGER NOT NULL,                  -- When that node last said how far it is.
    ended INTEGER,                          -- When it ended.
    totals TEXT NOT NULL,                   -- What it has done, a JSON object.
    message TEXT NOT NULL                   -- How it ended.
) STRICT;

ALTER TABLE "user" ADD COLUMN ldap_profile INTEGER; -- The synchronisation profile that owns the account.
ALTER TABLE "user" ADD COLUMN ldap_entry TEXT; -- Its entry in the directory, by an identity that outlives a move.
ALTER TABLE "user" ADD COLUMN ldap_dn TEXT; -- Where that entry was last seen.

CREATE UNIQUE INDEX user_ldap_entry ON "user" (ldap_profile, ldap_entry) WHERE ldap_profile IS NOT NULL;
