-- What each server says of itself, and what is wanted of it. Two tables, so that a report and a wish never meet.

CREATE TABLE node_report (                  -- The newest report of each server.
    name TEXT NOT NULL PRIMARY KEY,         -- Name of the node.
    state TEXT NOT NULL,                    -- starting, serving, draining, drained, not_ready, stopping or stopped.
    reasons TEXT NOT NULL,                  -- Why it does not serve, a JSON array.
    addresses TEXT NOT NULL,                -- Where it is reached, a JSON object by listener.
    scenarios TEXT NOT NULL,                -- What it offers, a JSON array.
    schema_version INTEGER NOT NULL,        -- The newest schema that it knows.
    records TEXT NOT NULL,                  -- The newest record versions that it knows, a JSON object by table.
    clock_offset INTEGER,                   -- Microseconds by which its clock is ahead of the store's; NULL: not compared.
    seen INTEGER NOT NULL                   -- When it said so, by the store's clock.
) STRICT;

CREATE TABLE node_wish (                    -- What administrators want of each server.
    name TEXT NOT NULL PRIMARY KEY,         -- Name of the node.
    drained INTEGER NOT NULL,               -- 1: out of service.
    scenarios TEXT,                         -- Offers no more than these, a JSON array; NULL: as configured.
    modified INTEGER NOT NULL               -- When it was last changed.
) STRICT;
