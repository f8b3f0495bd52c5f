-- What a store says about itself, so that programs of two versions can share it and none serves half of one.

CREATE TABLE store_mark (                   -- Marks on the store as a whole.
    name TEXT NOT NULL PRIMARY KEY,         -- Such as schema.oldest, records, migration, store.moved_to.
    value TEXT NOT NULL,                    -- What it says, a word or JSON.
    modified INTEGER NOT NULL               -- When it was last changed.
) STRICT;

INSERT INTO store_mark (name, value, modified) VALUES ('schema.oldest', '4', 0);
