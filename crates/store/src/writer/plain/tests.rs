use super::*;
use crate::database::Access;
use crate::tests::world::{World, count_up};
use crate::work::{Completion, Waiter};
use std::sync::Arc;

#[test]
fn a_late_commit_of_the_same_works_is_no_conflict() {
    let world = World::new();
    if !world.store.is_shared() {
        eprintln!("SKIPPED: commits come late on a server only");
        return;
    }
    world.add_user("alice");
    let work = world.work(vec![count_up(&world.account("alice"))]);
    let other = world.store.shared.source.open(Access::Write).unwrap();
    let applied = world
        .store
        .errand(move |writer| {
            let to: Arc<dyn Completion> = Arc::new(Waiter::default());
            let (jobs, none) = ([Job { work, to }], HashSet::new());
            let mut hopes = Hopes::default();
            writer.exactly(|_| Ok(()))?;
            let before = writer.ledger.clone();
            let batch = writer.compose(&jobs, &none, writer.shared.now());
            let after = std::mem::replace(&mut writer.ledger, before);
            hopes.add(&writer.ledger, &after, applied(&jobs, &none));
            writer.doubt(after);
            writer.exactly(|_| Ok(()))?; // it is not there yet
            assert_eq!(other.server().unwrap().write_batch(&batch), Ok(true));
            writer.exactly(|writer| writer.write_plain(&jobs, &mut hopes))
        })
        .unwrap();
    assert_eq!(applied.unwrap().outcomes, [Outcome::Committed]);
    crate::tests::chain::assert_intact(&world.store);
}
