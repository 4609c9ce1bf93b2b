//! Single users against a local server: looked up, searched, created, changed, activated, deleted.

use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, ResponseTemplate};

use super::*;
use crate::jumpcloud::tests::{Named, id, jumpcloud, named, row, rows};
use crate::testing::{mock_server, shown};

#[tokio::test]
async fn user_is_found_by_id_or_is_none() {
    let server = mock_server().await;
    let found = ResponseTemplate::new(200).set_body_json(row(7));
    Mock::given(method("GET"))
        .and(path(format!("/api/systemusers/{}", id(7))))
        .respond_with(found)
        .expect(1)
        .mount(&server)
        .await;
    let jumpcloud = jumpcloud(&server);
    assert_eq!(
        jumpcloud.user(&id(7)).await.unwrap().unwrap().username,
        "user7"
    );
    assert_eq!(jumpcloud.user(&id(8)).await.unwrap(), None);
    assert_eq!(jumpcloud.calls(), 2);
    for nobody in ["", ".", ".."] {
        assert_eq!(
            jumpcloud.user(&SystemUserId::from(nobody)).await.unwrap(),
            None
        );
    }
    assert_eq!(jumpcloud.calls(), 2);
}

#[tokio::test]
async fn search_matches_names_in_any_case_and_everything_else_exactly() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .and(path("/api/search/systemusers"))
        .and(wiremock::matchers::query_param("limit", "100"))
        .and(body_json(json!({
            "filter": { "or": [
                { "email": { "$regex": r"(?i)(^ann\.b\+c@corp\.example$)" } },
                { "username": { "$regex": r"(?i)(^ann\.b$)" } },
                { "employeeIdentifier": "a.b" },
            ] },
            "sort": "_id", "limit": 100, "skip": 0,
        })))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "totalCount": 1, "results": [row(1)] })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let jumpcloud = jumpcloud(&server);
    let any_of = [
        ("email", "ann.b+c@corp.example"),
        ("username", "ann.b"),
        ("employeeIdentifier", "a.b"),
        ("email", ""),
    ];
    assert_eq!(
        jumpcloud.find::<SystemUser>(&any_of).await.unwrap().len(),
        1
    );
    assert_eq!(
        jumpcloud
            .find::<SystemUser>(&[("employeeIdentifier", "")])
            .await
            .unwrap(),
        []
    );
    assert_eq!(jumpcloud.calls(), 1);
}

#[tokio::test]
async fn search_that_finds_more_than_a_page_is_an_error() {
    let server = mock_server().await;
    let many = ResponseTemplate::new(200)
        .set_body_json(json!({ "totalCount": 101, "results": rows(100) }));
    Mock::given(method("POST"))
        .respond_with(many)
        .mount(&server)
        .await;
    let error = jumpcloud(&server)
        .find::<SystemUser>(&[("department", "IT")])
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Incomplete { .. }), "{error}");
}

#[tokio::test]
async fn search_is_repeated_after_a_fault() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let none = ResponseTemplate::new(200).set_body_json(json!({ "totalCount": 0, "results": [] }));
    Mock::given(method("POST"))
        .respond_with(none)
        .with_priority(9)
        .mount(&server)
        .await;
    assert_eq!(
        jumpcloud(&server)
            .find::<SystemUser>(&[("department", "IT")])
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn create_is_sent_once_and_update_is_repeated() {
    let server = mock_server().await;
    let fields = json!({ "username": "ann", "email": "ann@corp.example" });
    let fields = fields.as_object().unwrap();
    Mock::given(method("POST"))
        .and(path("/api/systemusers"))
        .and(header("content-type", "application/json"))
        .and(body_json(fields))
        .respond_with(ResponseTemplate::new(500))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path(format!("/api/systemusers/{}", id(1))))
        .and(body_json(fields))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let updated = ResponseTemplate::new(200).set_body_json(row(1));
    Mock::given(method("PUT"))
        .respond_with(updated)
        .with_priority(9)
        .expect(1)
        .mount(&server)
        .await;

    let jumpcloud = jumpcloud(&server);
    let error = jumpcloud.create::<SystemUser>(fields).await.unwrap_err();
    assert!(error.is_in_doubt() && error.is_retryable(), "{error}");
    let updated: SystemUser = jumpcloud.update(&id(1), fields).await.unwrap();
    assert_eq!(updated.id, id(1));
}

#[tokio::test]
async fn create_answers_the_new_user_or_the_refusal() {
    let server = mock_server().await;
    let created = ResponseTemplate::new(200).set_body_json(row(5));
    Mock::given(method("POST"))
        .respond_with(created)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let refused =
        ResponseTemplate::new(409).set_body_json(json!({ "message": "ann@corp.example is taken" }));
    Mock::given(method("POST"))
        .respond_with(refused)
        .with_priority(9)
        .mount(&server)
        .await;

    let jumpcloud = jumpcloud(&server);
    let created: SystemUser = jumpcloud.create(&Map::new()).await.unwrap();
    assert_eq!(created.id, id(5));
    let error = jumpcloud
        .create::<SystemUser>(&Map::new())
        .await
        .unwrap_err();
    assert!(error.is_conflict_or_refused() && !error.is_in_doubt());
    assert_eq!(
        error.to_string(),
        "JumpCloud `POST /api/systemusers` was answered 409: [e-mail] is taken"
    );
}

#[tokio::test]
async fn invitation_goes_to_an_address_or_nowhere_whatever_the_answer() {
    let to = Invitation::To("ann@home.example".to_owned());
    let answers = [
        ResponseTemplate::new(200).set_body_json("ok"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(204),
        ResponseTemplate::new(202).set_body_string("Accepted"),
    ];
    for answer in answers {
        let server = mock_server().await;
        for (action, body) in [
            ("state/activate", json!({ "email": "ann@home.example" })),
            ("state/activate", json!({ "email": false })),
            ("reactivate", json!({ "email": "ann@home.example" })),
        ] {
            Mock::given(method("POST"))
                .and(path(format!("/api/systemusers/{}/{action}", id(1))))
                .and(body_json(body))
                .respond_with(answer.clone())
                .expect(1)
                .mount(&server)
                .await;
        }
        let jumpcloud = jumpcloud(&server);
        jumpcloud.activate(&id(1), &to).await.unwrap();
        jumpcloud.activate(&id(1), &Invitation::None).await.unwrap();
        jumpcloud.invite_again(&id(1), &to).await.unwrap();
    }
}

#[tokio::test]
async fn activation_is_sent_once() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(502))
        .expect(1)
        .mount(&server)
        .await;
    assert!(
        jumpcloud(&server)
            .activate(&id(1), &Invitation::None)
            .await
            .unwrap_err()
            .is_in_doubt()
    );
}

#[tokio::test]
async fn page_with_conditions_is_a_search_for_all_of_them() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .and(path("/api/search/systemusers"))
        .and(wiremock::matchers::query_param("limit", "1"))
        .and(wiremock::matchers::query_param("skip", "4"))
        .and(body_json(json!({
            "filter": { "and": [
                { "email": { "$regex": r"(?i)(^a\.b@corp\.example$)" } },
                { "suspended": false },
                { "department": "R&D (.*)" },
            ] },
            "sort": "_id", "limit": 1, "skip": 4,
        })))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "totalCount": 7, "results": [row(4)] })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let asked = UserQuery {
        conditions: vec![
            (
                "email".to_owned(),
                Condition::EqualsIgnoringCase("a.b@corp.example".to_owned()),
            ),
            ("suspended".to_owned(), Condition::Equals(false.into())),
            (
                "department".to_owned(),
                Condition::Equals("R&D (.*)".into()),
            ),
        ],
        skip: 4,
        limit: 0,
        ..UserQuery::default()
    };
    let page: Rows<Named> = jumpcloud(&server).users_page(&asked).await.unwrap();
    assert_eq!((page.total, page.rows), (Some(7), vec![named(4)]));
}

#[test]
fn one_of_several_conditions_is_enough_where_so_asked() {
    let is = |text: &str| Condition::Equals(text.into());
    let either = UserQuery {
        conditions: vec![
            ("location".to_owned(), is("A")),
            ("company".to_owned(), is("B")),
        ],
        any: true,
        ..UserQuery::default()
    };
    let expected = json!({ "or": [{ "location": "A" }, { "company": "B" }] });
    assert_eq!(either.filter(), expected);
}

#[tokio::test]
async fn refused_password_is_explained_and_not_repeated() {
    let server = mock_server().await;
    let refusal = json!({
        "code": 400, "message": "Password validation fail: hunter22", "status": "INVALID_ARGUMENT",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolationsList": [
                { "field": "password", "description": "specialCharacter" },
                { "field": "password", "description": "passwordHistory" },
            ],
        }],
    });
    for verb in ["POST", "PUT"] {
        Mock::given(method(verb))
            .and(wiremock::matchers::query_param(
                "fullValidationDetails",
                "password",
            ))
            .respond_with(ResponseTemplate::new(400).set_body_json(&refusal))
            .expect(1)
            .mount(&server)
            .await;
    }
    let jumpcloud = jumpcloud(&server);
    let fields = json!({ "username": "ann", "password": "hunter22" });
    let fields = fields.as_object().unwrap();
    for refused in [
        jumpcloud.create::<Named>(fields).await,
        jumpcloud.update::<Named>(&id(1), fields).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(
            error.vendor_message(),
            Some(
                "Password validation fail: [password]; password: specialCharacter; password: passwordHistory"
            )
        );
        assert!(!error.is_taken() && !shown(&error).contains("hunter22"));
    }
}

#[tokio::test]
async fn validation_details_are_asked_for_passwords_only() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .and(wiremock::matchers::query_param_is_missing(
            "fullValidationDetails",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(row(1)))
        .expect(1)
        .mount(&server)
        .await;
    jumpcloud(&server)
        .create::<Named>(&Map::new())
        .await
        .unwrap();
}

#[tokio::test]
async fn duplicate_is_told_by_its_status_or_the_documented_words() {
    let table = [
        (409, "whatever", true, true),
        (400, "User already exists", false, true),
        (400, "username is required", false, false),
        (500, "already exists", false, false),
    ];
    for (status, message, conflict, taken) in table {
        let server = mock_server().await;
        Mock::given(method("POST"))
            .respond_with(
                ResponseTemplate::new(status).set_body_json(json!({ "message": message })),
            )
            .mount(&server)
            .await;
        let refused = jumpcloud(&server).create::<Named>(&Map::new()).await;
        let error = refused.unwrap_err();
        assert_eq!(
            (error.is_conflict(), error.is_taken()),
            (conflict, taken),
            "{error}"
        );
        assert_eq!(error.vendor_message(), Some(message));
    }
}

#[tokio::test]
async fn deleting_is_repeated_and_content_when_nobody_is_there() {
    let server = mock_server().await;
    for (number, answers) in [(1, vec![500, 200]), (2, vec![404]), (3, vec![409])] {
        for (priority, status) in (1..).zip(answers) {
            Mock::given(method("DELETE"))
                .and(path(format!("/api/systemusers/{}", id(number))))
                .respond_with(ResponseTemplate::new(status))
                .up_to_n_times(1)
                .with_priority(priority)
                .expect(1)
                .mount(&server)
                .await;
        }
    }
    let jumpcloud = jumpcloud(&server);
    jumpcloud.delete_user(&id(1)).await.unwrap();
    jumpcloud.delete_user(&id(2)).await.unwrap();
    assert!(
        jumpcloud
            .delete_user(&id(3))
            .await
            .unwrap_err()
            .is_conflict()
    );
}

#[tokio::test]
async fn id_that_would_change_the_path_is_never_sent() {
    let server = mock_server().await;
    let jumpcloud = jumpcloud(&server);
    for nobody in ["", ".", ".."] {
        let nobody = SystemUserId::from(nobody);
        jumpcloud.delete_user(&nobody).await.unwrap();
        let update = jumpcloud.update::<Named>(&nobody, &Map::new()).await;
        assert!(update.unwrap_err().is_not_found());
    }
    assert_eq!(jumpcloud.calls(), 0);
}
