CREATE TABLE key_rotation (                 -- One row: the newest rotation of data keys.
    id INTEGER NOT NULL PRIMARY KEY,        -- Always 1.
    version INTEGER NOT NULL,               -- Rises with every change.
    class TEXT NOT NULL,                    -- storage, sensitive, transport, audit or token.
    key_from TEXT,                          -- The key that was active before.
    key_to TEXT NOT NULL,                   -- The key that everything is to stand under.
    state TEXT NOT NULL,                    -- running, done or aborted.
    node TEXT NOT NULL,                     -- The node that works on it.
    started INTEGER NOT NULL,               -- When it began.
    seen INTEGER NOT NULL,                  -- When that node last said how far it is.
    ended INTEGER,                          -- When it ended.
    total INTEGER,                          -- Sealed fields that stood under other keys at the beginning.
    done INTEGER NOT NULL,                  -- Fields sealed anew.
    shut INTEGER NOT NULL,                  -- Fields that do not open.
    at_field INTEGER NOT NULL,              -- Sealed field of the schema it is at.
    at_row INTEGER NOT NULL                 -- The last row looked at.
) STRICT;
