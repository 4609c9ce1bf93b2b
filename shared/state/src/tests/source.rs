//! The last complete read of each source.

use std::collections::BTreeMap;

use super::{World, noon};
use crate::LastRead;

#[tokio::test]
async fn latest_read_of_each_source_is_remembered() {
    let world = World::start().await;
    let lease = world.lease().await;
    let read = |count| LastRead {
        count,
        at: noon(),
        run_id: "run".into(),
    };
    let run = world.state.for_run();
    for (source, count) in [("deel", 10), ("humaans", 0), ("deel", 12)] {
        run.put_last_read(&lease, &source.into(), &read(count))
            .await
            .unwrap();
    }
    assert_eq!(run.calls(), 3);
    let expected = BTreeMap::from([("deel".into(), read(12)), ("humaans".into(), read(0))]);
    assert_eq!(run.last_reads().await.unwrap(), expected);
}
