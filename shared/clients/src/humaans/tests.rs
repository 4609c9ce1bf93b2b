//! The Humaans client against a local server: what is read is kept, and what is missing is said.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use mapping::humaans::to_worker;
use mapping::{Worker, Zones};
use serde_json::{Value, json};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{impatient, key, mock_server, query};

/// What a server lists, and what it answers otherwise to requests whose path and query hold a text.
#[derive(Default)]
struct Account {
    lists: BTreeMap<&'static str, Vec<Value>>,
    scopes: Option<Value>,
    /// The most rows that it gives whatever it is asked for.
    most: Option<usize>,
    instead: Vec<(&'static str, ResponseTemplate)>,
}

impl Account {
    /// So many people with a role each, in one place and one company.
    fn of(people: usize) -> Self {
        let person = |number| json!({"id": id(number), "status": "active", "firstName": "Ann", "locationId": "l1"});
        let role = |number| json!({"id": format!("r{number}"), "personId": id(number), "jobTitle": "Engineer"});
        Self::default()
            .list("people", (0..people).map(person))
            .list("job-roles", (0..people).map(role))
            .list("locations", [json!({"id": "l1", "label": "Porto"})])
            .list("companies", [json!({"id": "c1", "name": "Northlight"})])
    }

    fn list(mut self, name: &'static str, rows: impl IntoIterator<Item = Value>) -> Self {
        self.lists.insert(name, rows.into_iter().collect());
        self
    }

    fn scopes(mut self, scopes: Value) -> Self {
        self.scopes = Some(scopes);
        self
    }

    fn at_most(mut self, most: usize) -> Self {
        self.most = Some(most);
        self
    }

    fn instead(mut self, part: &'static str, answer: ResponseTemplate) -> Self {
        self.instead.push((part, answer));
        self
    }

    fn answer(&self, request: &wiremock::Request) -> ResponseTemplate {
        let target = request.url.as_str();
        let instead = self.instead.iter().find(|(part, _)| target.contains(part));
        if let Some((_, answer)) = instead {
            return answer.clone();
        }
        let path = request.url.path().trim_start_matches("/api/");
        if path == "token-info" {
            let scopes = self.scopes.clone();
            let scopes = scopes.unwrap_or_else(|| json!(["public:read", "private:read"]));
            return ResponseTemplate::new(200)
                .set_body_json(json!({ "id": "t", "scopes": scopes }));
        }
        if let Some(id) = path.strip_prefix("people/") {
            let mut people = self.lists["people"].iter();
            return match people.find(|person| person["id"] == id) {
                Some(person) => ResponseTemplate::new(200).set_body_json(person),
                None => ResponseTemplate::new(404),
            };
        }
        assert!(path != "people" || query(request, "status") == "all");
        let person = query(request, "personId");
        let rows: Vec<&Value> = self.lists[path]
            .iter()
            .filter(|row| person.is_empty() || row["personId"] == *person)
            .collect();
        let skip: usize = query(request, "$skip").parse().unwrap();
        let limit: usize = query(request, "$limit").parse().unwrap();
        let limit = limit.min(self.most.unwrap_or(limit));
        let data: Vec<_> = rows.iter().skip(skip).take(limit).collect();
        ResponseTemplate::new(200).set_body_json(
            json!({ "total": rows.len(), "limit": limit, "skip": skip, "data": data }),
        )
    }

    async fn serve(self) -> MockServer {
        let server = mock_server().await;
        Mock::given(method("GET"))
            .and(header("authorization", "Bearer k3y"))
            .respond_with(move |request: &wiremock::Request| self.answer(request))
            .mount(&server)
            .await;
        server
    }
}

fn id(number: usize) -> String {
    format!("p{number:05}")
}

fn humaans(server: &MockServer) -> Humaans {
    let options = Options {
        base_url: server.uri(),
        requests_per_second: 10_000,
        retry: impatient(),
        ..Humaans::options()
    };
    Humaans::new(options, key("k3y")).unwrap()
}

async fn staff(account: Account) -> Staff {
    let server = account.serve().await;
    let staff = humaans(&server).people(&BTreeSet::new(), |_, _| {}).await;
    staff.unwrap()
}

fn workers(staff: &Staff) -> Vec<Worker> {
    let zones = Zones {
        table: BTreeMap::new(),
        default: jiff::tz::TimeZone::UTC,
    };
    let people = staff.people.rows.iter();
    let now = jiff::Timestamp::UNIX_EPOCH;
    people
        .map(|person| to_worker(person, &staff.directory, &zones, now))
        .collect()
}

/// Why a read is incomplete, and the titles of those who were read.
async fn incomplete(account: Account) -> (String, Vec<Option<Text>>) {
    let staff = staff(account).await;
    let titles = workers(&staff).into_iter().map(|worker| worker.job_title);
    let titles = titles.collect();
    (staff.people.incomplete.unwrap_or_default(), titles)
}

#[tokio::test]
async fn everybody_takes_a_call_per_page_and_none_per_person() {
    // The token, and one page of each list when there is little in them.
    for (people, calls) in [
        (0, 5),
        (1, 5),
        (250, 5),
        (251, 7),
        (10_000, 1 + 40 + 40 + 2),
    ] {
        let server = Account::of(people).serve().await;
        let humaans = humaans(&server);
        let told = Mutex::new(Vec::new());
        let staff = humaans
            .people(&BTreeSet::new(), |read, total| {
                told.lock().unwrap().push((read, total));
            })
            .await
            .unwrap();
        assert_eq!(
            (staff.people.rows.len(), staff.people.incomplete.clone()),
            (people, None)
        );
        assert_eq!(humaans.calls(), calls);
        assert_eq!(told.into_inner().unwrap().last(), Some(&(people, people)));
        let is_whole = |worker: &Worker| {
            worker.job_title.as_deref() == Some("Engineer")
                && worker.location.as_deref() == Some("Porto")
        };
        assert!(workers(&staff).iter().all(is_whole));
    }
}

#[tokio::test]
async fn pages_that_are_cut_down_are_read_to_the_end() {
    for most in [1, 7, 100] {
        let staff = staff(Account::of(23).at_most(most)).await;
        assert_eq!(
            (staff.people.rows.len(), staff.people.incomplete),
            (23, None)
        );
    }
}

#[tokio::test]
async fn samples_are_nobody_and_still_count_towards_the_total() {
    let sample = json!({"id": "sample", "status": "active", "demo": true});
    let account = Account::of(1).list("people", [sample, json!({"id": "p", "status": "active"})]);
    let server = account.serve().await;
    let humaans = humaans(&server);
    let staff = humaans.people(&BTreeSet::new(), |_, _| {}).await.unwrap();
    assert_eq!(
        (staff.people.rows.len(), staff.people.incomplete),
        (1, None)
    );
    let sample = WorkerId::from("sample");
    assert_eq!(humaans.person(&sample).await.unwrap(), None);
}

#[tokio::test]
async fn token_that_does_not_see_everybody_makes_the_read_incomplete() {
    let lacking = "the token lacks the scope `private:read`, without which Humaans hides new hires and people who left: make one with `public:read` and `private:read`";
    let unknown = "it is not known whether the token has the scope `private:read`: Humaans `GET /api/token-info`";
    let table = [
        (Account::of(2).scopes(json!(["public:read"])), lacking),
        (Account::of(2).scopes(json!([])), lacking),
        (Account::of(2).scopes(Value::Null), unknown),
        (
            Account::of(2).instead("token-info", ResponseTemplate::new(403)),
            unknown,
        ),
        (
            Account::of(2).instead("token-info", ResponseTemplate::new(500)),
            unknown,
        ),
    ];
    for (account, expected) in table {
        let (reason, titles) = incomplete(account).await;
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(titles, vec![Some(Text::from("Engineer")); 2]);
    }
}

#[tokio::test]
async fn lists_that_contradict_themselves_make_the_read_incomplete() {
    let page = |total: usize, rows: &[Value]| {
        ResponseTemplate::new(200)
            .set_body_json(json!({ "total": total, "limit": 250, "skip": 0, "data": rows }))
    };
    let row = json!({"id": "p1", "status": "active"});
    let table = [
        (
            page(3, std::slice::from_ref(&row)),
            "`total` is 3 and the pages hold",
        ),
        (page(2, &[row.clone(), row.clone()]), "ids are repeated: 1"),
        (page(0, &[row]), "`total` is 0 and the pages hold 1"),
    ];
    for (answer, expected) in table {
        let (reason, _) = incomplete(Account::of(0).instead("/people", answer)).await;
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test]
async fn roles_that_were_not_read_whole_are_not_known_at_all() {
    let table = [
        (ResponseTemplate::new(403), "`job-roles` may not be read: "),
        (
            ResponseTemplate::new(500),
            "`job-roles`: the page at offset 0 is lost: ",
        ),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            "`job-roles`: the page at offset 0 is lost: ",
        ),
        (
            ResponseTemplate::new(200)
                .set_body_json(json!({"total": 1, "data": [{"id": "r1", "jobTitle": "Chief"}]})),
            "`job-roles`: records cannot be read: 1",
        ),
    ];
    for (answer, expected) in table {
        let (reason, titles) = incomplete(Account::of(2).instead("job-roles", answer)).await;
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(titles, [None, None]);
    }
    let second = ResponseTemplate::new(500);
    let (reason, titles) =
        incomplete(Account::of(300).instead("job-roles?%24limit=250&%24skip=250", second)).await;
    assert!(
        reason.contains("the page at offset 250 is lost"),
        "{reason}"
    );
    assert!(titles.iter().all(Option::is_none));
}

#[tokio::test]
async fn locations_and_companies_that_cannot_be_read_make_the_read_incomplete() {
    for name in ["locations", "companies"] {
        for status in [403, 500] {
            let account = Account::of(1).instead(name, ResponseTemplate::new(status));
            let (reason, titles) = incomplete(account).await;
            assert!(reason.starts_with(&format!("`{name}`")), "{reason}");
            assert_eq!(titles, [Some("Engineer".into())]);
        }
    }
}

#[tokio::test]
async fn refused_key_and_people_that_may_not_be_read_are_errors() {
    for (part, status) in [
        ("token-info", 401),
        ("/people", 401),
        ("/people", 403),
        ("job-roles", 401),
    ] {
        let account = Account::of(1).instead(part, ResponseTemplate::new(status));
        let server = account.serve().await;
        let error = humaans(&server).people(&BTreeSet::new(), |_, _| {}).await;
        let error = error.unwrap_err();
        assert_eq!(
            (error.is_unauthorized(), error.is_forbidden()),
            (status == 401, status == 403),
            "{part}: {error}"
        );
    }
}

#[tokio::test]
async fn passed_deadline_is_an_error() {
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    let server = Account::of(1).instead("locations", wait).serve().await;
    let run = humaans(&server).begin(Instant::now() + Duration::from_mins(1));
    let error = run.people(&BTreeSet::new(), |_, _| {}).await.unwrap_err();
    assert!(error.is_deadline(), "{error}");
    assert_eq!(run.calls(), 4);
}

#[tokio::test]
async fn a_few_people_take_two_calls_each_and_one_per_list() {
    let server = Account::of(9).serve().await;
    let humaans = humaans(&server);
    let ids = ["p00002", "nobody", "p00007"].map(WorkerId::from);
    let staff = humaans.some(&ids, &BTreeSet::new()).await.unwrap();
    let found: Vec<_> = workers(&staff)
        .into_iter()
        .map(|worker| (worker.id, worker.job_title.unwrap_or_default()))
        .collect();
    let engineer = |id| (WorkerId::from(id), Text::from("Engineer"));
    assert_eq!(found, ["p00002", "p00007"].map(engineer));
    assert_eq!(humaans.calls(), 3 + 2 + 2);
    let nobody = humaans
        .some(&[WorkerId::from("..")], &BTreeSet::new())
        .await;
    assert_eq!(nobody.unwrap().people.rows, []);
    assert_eq!(humaans.calls(), 7, "no list could be about anybody");
}

#[tokio::test]
async fn custom_fields_are_read_only_where_a_rule_names_one() {
    let account = || {
        Account::of(2)
            .list(
                "custom-fields",
                [
                    json!({"id": "f1", "name": "Cost code"}),
                    json!({"id": "f2", "name": "Desk"}),
                ],
            )
            .list(
                "custom-values",
                [
                    json!({"id": "v1", "personId": "p00000", "customFieldId": "f1", "value": "C7"}),
                    json!({"personId": "p00000", "customFieldId": "f2", "value": "12"}),
                ],
            )
    };
    let wanted = BTreeSet::from(["Cost code".into(), "Shoe size".into()]);
    let server = account().serve().await;
    let humaans = humaans(&server);
    let staff = humaans.people(&wanted, |_, _| {}).await.unwrap();
    assert_eq!(
        (humaans.calls(), staff.people.incomplete.clone()),
        (7, None)
    );
    let workers = workers(&staff);
    assert_eq!(
        workers[0].custom_fields(),
        [("Cost code".into(), "C7".into())]
    );
    assert_eq!(workers[1].custom_fields(), []);
    let codes: Vec<_> = staff
        .warnings
        .iter()
        .map(|warning| &*warning.code)
        .collect();
    assert_eq!(codes, ["unknown_custom_field"]);

    let refused = account().instead("custom-values", ResponseTemplate::new(403));
    let server = refused.serve().await;
    let staff = self::humaans(&server)
        .people(&wanted, |_, _| {})
        .await
        .unwrap();
    assert_eq!(staff.people.incomplete, None);
    assert_eq!(staff.warnings[0].code, "custom_fields_unread");
}

#[tokio::test]
async fn reads_can_be_spawned() {
    let server = Account::of(3).serve().await;
    let humaans = humaans(&server);
    let read = tokio::spawn(async move { humaans.people(&BTreeSet::new(), |_, _| {}).await });
    assert_eq!(read.await.unwrap().unwrap().people.rows.len(), 3);
}
