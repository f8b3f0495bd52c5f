//! The OpenAPI document in the repository is the one that is served.

use std::fs;
use std::path::Path;

#[test]
fn the_file_in_docs_is_the_document_that_is_served() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document = countersign_web::openapi::text();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &document).unwrap();
    }
    let stored = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stored == document,
        "docs/openapi.json is not current: run this test with UPDATE=1 and commit the file"
    );
}
