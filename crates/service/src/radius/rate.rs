use countersign_engine::model::ComponentKey;
use std::collections::HashMap;

/// Requests counted per component and second.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<ComponentKey, (u64, u32)>);

impl Rates {
    /// Whether one more request of a component passes its limit; `second` is monotonic.
    pub(super) fn admit(&mut self, component: ComponentKey, limit: u32, second: u64) -> bool {
        let (at, seen) = self.0.entry(component).or_default();
        if *at != second {
            (*at, *seen) = (second, 0);
        }
        *seen = seen.saturating_add(1);
        *seen <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_its_component_and_second() {
        let mut rates = Rates::default();
        let (a, b) = (ComponentKey(1), ComponentKey(2));
        assert!(rates.admit(a, 2, 0) && rates.admit(a, 2, 0) && !rates.admit(a, 2, 0));
        assert!(rates.admit(b, 2, 0) && rates.admit(a, 2, 1));
    }
}
