use super::*;
use crate::tests::world::{World, count_up, counter};
use crate::{Store, StoreUrl};
use std::sync::Arc;

fn store_of(users: usize) -> World {
    let world = World::in_file();
    (0..users).for_each(|n| world.add_user(&format!("user{n}")));
    world.done(vec![count_up(&world.account("user0"))]);
    world.store.close();
    world
}

fn new_place(world: &World) -> StoreUrl {
    world.file().with_file_name("new.db").into()
}

#[test]
fn a_store_moves_whole_and_serves_in_one_place_only() {
    let world = store_of(3);
    let to = new_place(&world);
    let transfer = Transfer {
        from: &world.options,
        to: &to,
    };
    let done = transfer.run(&mut |_| true).unwrap();
    assert!(done.rows > 10 && done.resumed == 0, "{done:?}");
    let error = Store::open(&world.options, Arc::clone(&world.root)).unwrap_err();
    assert!(error.to_string().contains("moved to"), "{error}");
    assert!(matches!(
        transfer.run(&mut |_| true),
        Err(TransferError::NotEmpty(_) | TransferError::Moved(_))
    ));
    let mut options = world.options.clone();
    options.url = to;
    let store = Store::open(&options, Arc::clone(&world.root)).unwrap();
    let domain = store.snapshot().domains.master().unwrap().key;
    let countersign_engine::facts::Found::Account(account) =
        store.account(domain, "user0").unwrap()
    else {
        panic!("user0 is gone");
    };
    assert_eq!(counter(&account), 1);
}

#[test]
fn an_interrupted_move_goes_on_and_nobody_serves_meanwhile() {
    let world = store_of(3);
    let to = new_place(&world);
    let transfer = Transfer {
        from: &world.options,
        to: &to,
    };
    let mut pages = 0;
    let ended = transfer.run(&mut |_| {
        pages += 1;
        pages < 5
    });
    assert!(matches!(ended, Err(TransferError::Cancelled)), "{ended:?}");
    let mut new = world.options.clone();
    new.url = to.clone();
    for options in [&world.options, &new] {
        let error = Store::open(options, Arc::clone(&world.root)).unwrap_err();
        assert!(error.to_string().contains("move"), "{error}");
    }
    let done = transfer.run(&mut |_| true).unwrap();
    assert!(done.resumed > 0, "{done:?}");
    Store::open(&new, Arc::clone(&world.root)).unwrap();
}

#[test]
fn a_move_given_up_leaves_the_old_place_as_it_was() {
    let world = store_of(1);
    let to = new_place(&world);
    let transfer = Transfer {
        from: &world.options,
        to: &to,
    };
    assert!(transfer.run(&mut |_| false).is_err());
    transfer.abort().unwrap();
    Store::open(&world.options, Arc::clone(&world.root)).unwrap();
    let mut new = world.options.clone();
    new.url = to;
    assert!(Store::open(&new, Arc::clone(&world.root)).is_err());
}

#[test]
fn what_differs_is_found() {
    let world = store_of(2);
    let to = new_place(&world);
    let transfer = Transfer {
        from: &world.options,
        to: &to,
    };
    let all = std::cell::Cell::new(0);
    let ended = transfer.run(&mut |progress| {
        all.set(progress.all);
        progress.done < progress.all / 3 // all are copied, none is proven
    });
    assert!(matches!(ended, Err(TransferError::Cancelled)), "{ended:?}");
    let connection = rusqlite::Connection::open(to.file().unwrap()).unwrap();
    let changed = connection.execute("UPDATE application_state SET counter = counter + 1", []);
    assert_eq!(changed.unwrap(), 2);
    drop(connection);
    let ended = transfer.run(&mut |_| true);
    assert!(
        matches!(&ended, Err(TransferError::Differs(table)) if table == "application_state"),
        "{ended:?}"
    );
}

#[test]
fn keys_of_every_kind_are_remembered() {
    let key = vec![
        Value::Int(i64::MIN),
        Value::Text("ä\"".to_owned()),
        Value::Blob(vec![0, 255]),
    ];
    assert_eq!(key_in(&key_text(&key)), Some(key));
}
