//! Figures of runs that were repeated: the median of each.

use serde_json::{Value, json};

/// The runs of one load.
#[derive(Debug)]
pub struct Runs<R>(Vec<(R, Value)>);

impl<R> Default for Runs<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Copy + PartialEq> Runs<R> {
    /// Adds what a run says.
    pub fn add(&mut self, row: R, figures: Value) {
        self.0.push((row, figures));
    }

    /// The median of a figure over the runs of a row.
    pub fn median(&self, row: R, pointer: &str) -> Option<f64> {
        let mut all: Vec<f64> = self
            .of(row)
            .filter_map(|run| run.pointer(pointer)?.as_f64())
            .collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }

    /// The median rate of a row as a share of another's.
    pub fn ratio(&self, row: R, to: R) -> Option<f64> {
        let of = self.median(to, "/per_second").filter(|rate| *rate > 0.0)?;
        Some(self.median(row, "/per_second")? / of)
    }

    /// A figure as it stands in a table.
    pub fn cell(&self, row: R, pointer: &str, scale: f64, digits: usize) -> String {
        self.median(row, pointer).map_or("-".to_owned(), |figure| {
            format!("{:.digits$}", figure / scale)
        })
    }

    /// All runs of a row with their median rate.
    pub fn json(&self, row: R, ratio: Option<f64>) -> Value {
        let runs: Vec<&Value> = self.of(row).collect();
        json!({"per_second": self.median(row, "/per_second"), "ratio": ratio, "runs": runs})
    }

    fn of(&self, row: R) -> impl Iterator<Item = &Value> {
        self.0
            .iter()
            .filter(move |(other, _)| *other == row)
            .map(|(_, run)| run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_runs_counts() {
        let mut runs = Runs::default();
        for rate in [30.0, 10.0, 20.0] {
            runs.add('a', json!({"per_second": rate}));
        }
        runs.add('b', json!({"per_second": 40.0}));
        assert_eq!(runs.median('a', "/per_second"), Some(20.0));
        assert_eq!(runs.ratio('a', 'b'), Some(0.5));
        assert_eq!(runs.ratio('a', 'c'), None);
    }
}
