//! Changes of state that JumpCloud will make by itself (v2).
//!
//! Nothing is scheduled here: an admin's own plans are only read.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::{ScheduledState, SystemUserId};
use serde::Deserialize;

use super::JumpCloud;
use super::pages::{PAGE, Page};
use crate::decode::decode_owned;
use crate::error::ClientError;
use crate::http::Request;

/// `{"events_count": n, "results": […]}`
#[derive(Deserialize)]
struct NextChanges {
    events_count: usize,
    results: Vec<ScheduledState>,
}

impl JumpCloud {
    /// The next activation and the next suspension that are scheduled for each of these users, where there are any.
    /// Complete or an error.
    pub async fn next_state_changes(
        &self,
        ids: &[SystemUserId],
    ) -> Result<Vec<ScheduledState>, ClientError> {
        let asked: Vec<String> = ids.chunks(PAGE).map(joined).collect();
        stream::iter(asked)
            .map(|users| async move { self.whole(|skip| self.next_changes_at(&users, skip)).await })
            .buffered(self.http.concurrency())
            .try_concat()
            .await
    }

    /// A hundred users can have two hundred changes: two pages. No user has two of one kind.
    async fn next_changes_at(
        &self,
        users: &str,
        skip: usize,
    ) -> Result<Page<ScheduledState>, ClientError> {
        let (limit, skip) = (PAGE.to_string(), skip.to_string());
        let query = [("users", users), ("limit", &limit), ("skip", &skip)];
        let path = ["api", "v2", "bulk", "userstates", "eventlist", "next"];
        let request = Request::get(&path, &query);
        let changes: NextChanges = self.http.send(request, decode_owned).await?;
        let rows = changes.results.into_iter().map(|change| {
            let id = format!("{}/{}", change.user_id, change.state.as_str());
            (id.into(), change)
        });
        Ok(Page {
            total: Some(changes.events_count),
            rows: rows.collect(),
        })
    }
}

fn joined(ids: &[SystemUserId]) -> String {
    let ids: Vec<&str> = ids.iter().map(SystemUserId::as_str).collect();
    ids.join(",")
}

#[cfg(test)]
mod tests {
    use mapping::UserState;
    use serde_json::{Value, json};
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

    use super::*;
    use crate::jumpcloud::tests::{id, jumpcloud};
    use crate::testing::{mock_server, query, slice};

    fn change(user: usize, state: &str) -> Value {
        json!({
            "scheduledJobId": "66a1b2c3", "systemUserId": id(user), "state": state,
            "scheduledDate": "2026-12-01T09:00:00.000Z",
        })
    }

    /// Both changes of every user that is asked for, `missing` fewer than announced.
    async fn schedule(missing: usize) -> MockServer {
        let server = mock_server().await;
        let answer = move |request: &Received| {
            let asked = query(request, "users");
            assert!(asked.split(',').count() <= 100);
            let rows: Vec<Value> = asked
                .split(',')
                .flat_map(|user| {
                    let user = usize::from_str_radix(user, 16).unwrap();
                    [change(user, "ACTIVATED"), change(user, "SUSPENDED")]
                })
                .collect();
            let announced = rows.len();
            let rows = &rows[..announced - missing];
            ResponseTemplate::new(200).set_body_json(
                json!({ "events_count": announced, "results": slice(rows, request, "skip") }),
            )
        };
        Mock::given(method("GET"))
            .and(path("/api/v2/bulk/userstates/eventlist/next"))
            .respond_with(answer)
            .mount(&server)
            .await;
        server
    }

    #[tokio::test]
    async fn next_changes_are_asked_for_a_hundred_users_at_a_time_and_read_to_the_end() {
        for (users, calls) in [(0, 0), (1, 1), (50, 1), (51, 2), (100, 2), (151, 4)] {
            let server = schedule(0).await;
            let jumpcloud = jumpcloud(&server);
            let ids: Vec<_> = (0..users).map(id).collect();
            let changes = jumpcloud.next_state_changes(&ids).await.unwrap();
            assert_eq!(changes.len(), 2 * users);
            assert_eq!(jumpcloud.calls(), calls, "{users} users");
        }
    }

    #[tokio::test]
    async fn next_change_says_who_what_and_when() {
        let server = schedule(0).await;
        let changes = jumpcloud(&server).next_state_changes(&[id(7)]).await;
        let at = "2026-12-01T09:00:00Z".parse().unwrap();
        let of = |state| ScheduledState {
            user_id: id(7),
            state,
            at,
        };
        assert_eq!(
            changes.unwrap(),
            [of(UserState::Activated), of(UserState::Suspended)]
        );
    }

    #[tokio::test]
    async fn changes_that_are_announced_and_missing_or_repeated_are_an_error() {
        let server = schedule(1).await;
        let error = jumpcloud(&server).next_state_changes(&[id(7)]).await;
        assert!(matches!(error, Err(ClientError::Incomplete { .. })));

        let server = mock_server().await;
        let twice = [change(7, "ACTIVATED"), change(7, "ACTIVATED")];
        Mock::given(method("GET"))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({ "events_count": 2, "results": twice })),
            )
            .mount(&server)
            .await;
        let error = jumpcloud(&server).next_state_changes(&[id(7)]).await;
        assert!(matches!(error, Err(ClientError::Incomplete { .. })));
    }

    #[tokio::test]
    async fn reads_can_be_spawned() {
        let server = schedule(0).await;
        let jumpcloud = jumpcloud(&server);
        let read = tokio::spawn(async move { jumpcloud.next_state_changes(&[id(7)]).await });
        assert_eq!(read.await.unwrap().unwrap().len(), 2);
    }

    #[test]
    fn time_without_an_offset_is_in_utc() {
        for text in [
            "2026-12-01T09:00:00",
            "2026-12-01T09:00:00Z",
            "2026-12-01T10:00:00+01:00",
        ] {
            let mut row = change(7, "SUSPENDED");
            row["scheduledDate"] = text.into();
            let change: ScheduledState = serde_json::from_value(row).unwrap();
            assert_eq!(change.at, "2026-12-01T09:00:00Z".parse().unwrap(), "{text}");
        }
    }
}
