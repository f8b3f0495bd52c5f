use super::{About, BackupError, Progress, Watch};
use crate::database::Access;
use crate::dump::{Pages, Writer, count};
use crate::schema::{self, Table};
use crate::sql::Tx;
use crate::{Options, trail};
use std::collections::BTreeMap;
use std::io::Write;

/// Writes a store as it is at one moment, while a server may be running on it. `options` says which store, on which
/// node and by which version.
///
/// # Errors
/// The store cannot be read or `out` cannot be written.
pub fn create(options: &Options, out: impl Write, watch: Watch<'_>) -> Result<About, BackupError> {
    let database = schema::existing(&options.url, Access::Read)?;
    let schema = schema::version(&database, &options.url)?;
    if schema > schema::VERSION {
        return Err(BackupError::Newer {
            found: schema,
            known: schema::VERSION,
        });
    }
    let tables = schema::tables(schema);
    // One read transaction: on SQLite a snapshot of the log, on PostgreSQL repeatable read.
    database.reading(|tx| Ok(write(tx, options, schema, &tables, out, watch)))?
}

fn write(
    tx: Tx<'_>,
    options: &Options,
    schema: i64,
    tables: &[Table],
    out: impl Write,
    watch: Watch<'_>,
) -> Result<About, BackupError> {
    let mut rows = BTreeMap::new();
    for table in tables {
        rows.insert(table.name.clone(), count(tx, table)?);
    }
    let about = About {
        schema,
        made: (options.clock)(),
        node: options.node.clone(),
        version: options.version.clone(),
        rows,
        heads: trail::heads(tx)?,
    };
    let all = about.all_rows();
    let mut done = 0;
    let mut writer = Writer::begin(out, &about.to_json())?;
    for table in tables {
        writer.table(table)?;
        let mut pages = Pages::of(table, None);
        loop {
            let page = pages.next(tx)?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                writer.row(row)?;
            }
            done += page.len() as u64;
            if !watch(Progress { done, all }) {
                return Err(BackupError::Cancelled);
            }
        }
        writer.end_table()?;
    }
    writer.finish()?.flush()?;
    Ok(about)
}
