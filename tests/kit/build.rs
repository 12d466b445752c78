//! Builds the plugins that tests run as components.

use std::path::Path;

fn main() {
    let examples =
        ["tollgate-example-tenant-header", "tollgate-example-tenant-pool", "tollgate-example-tenant-parameters"];
    let plugins = [
        &["hello", "rogue", "gatekeeper", "greedy", "curt", "keeper", "errand", "faulty", "queue-helper"][..],
        &examples,
    ]
    .concat();
    tollgate_build::script::embed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &plugins);
}
