//! An HR system: the key, and what it may see.

use clients::{ClientError, Deel, Humaans, Rows, chain};
use config::{Source, SourceKind};
use mapping::deel;
use secrets::Secrets;
use sync::{HrSource, hr_source};

use super::deadline;
use super::finding::Finding;
use crate::now;

/// The check of the key itself.
pub(super) const KEY: &str = "source_key";
const SCOPES: &str = "source_scopes";
/// What Humaans' token needs: without the second, new hires and leavers are hidden.
const HUMAANS_SCOPES: [&str; 2] = ["public:read", "private:read"];

/// Everything about one source; with a key that does not work, that alone.
pub(super) async fn check(
    source: &Source,
    secrets: &Secrets,
    allowed_hosts: &[String],
) -> Vec<Finding> {
    let findings = match hr_source(source, secrets, allowed_hosts) {
        Ok(HrSource::Deel(client)) => of_deel(source, &client.begin(deadline())).await,
        Ok(HrSource::Humaans(client)) => of_humaans(source, &client.begin(deadline())).await,
        Err(error) => {
            let advice = "correct the source's `base_url`, or leave it out";
            vec![Finding::failed(KEY, chain(&error), advice)]
        }
    };
    findings
        .into_iter()
        .map(|finding| finding.about(source.name.as_str()))
        .collect()
}

async fn of_deel(source: &Source, client: &Deel) -> Vec<Finding> {
    let people = match client.first_people().await {
        Ok(people) => people,
        Err(error) => return vec![refused(source, &error)],
    };
    let address_of = |person| deel::to_worker(person, &source.zones, now()).personal_email;
    let check = "source_sensitive_data";
    let sensitive = if people
        .rows
        .iter()
        .any(|person| address_of(person).is_some())
    {
        Finding::ok(check, "personal addresses are shown")
    } else {
        Finding::unknown(
            check,
            "nobody among the first people has a personal address, which Deel also withholds from tokens without *sensitive data access*",
            "if people there have one: make the token anew with sensitive data access, or invitations go to work addresses",
        )
    };
    vec![
        taken(&people),
        Finding::ok(SCOPES, "people may be read"),
        sensitive,
    ]
}

async fn of_humaans(source: &Source, client: &Humaans) -> Vec<Finding> {
    let (scopes, people) = tokio::join!(client.scopes(), client.first_people());
    let people = match people {
        Ok(people) => people,
        Err(error) => return vec![refused(source, &error)],
    };
    let scopes = match scopes {
        Ok(scopes) => {
            let is_given = |scope: &&str| scopes.iter().any(|given| given == *scope);
            let missing: Vec<&str> = HUMAANS_SCOPES
                .into_iter()
                .filter(|scope| !is_given(scope))
                .collect();
            if missing.is_empty() {
                Finding::ok(SCOPES, HUMAANS_SCOPES.join(", "))
            } else {
                Finding::failed(
                    SCOPES,
                    format!("the token lacks {}", missing.join(", ")),
                    "make a token with `public:read` and `private:read`: without the second, Humaans hides new hires and leavers",
                )
            }
        }
        Err(error) => Finding::unknown(
            SCOPES,
            chain(&error),
            "check in Humaans that the token has `public:read` and `private:read`",
        ),
    };
    vec![taken(&people), scopes]
}

fn taken<T>(people: &Rows<T>) -> Finding {
    let count = people.total.map_or_else(
        || format!("at least {}", people.rows.len()),
        |total| total.to_string(),
    );
    Finding::ok(KEY, format!("the key is taken; people listed: {count}"))
}

fn refused(source: &Source, error: &ClientError) -> Finding {
    let secret = &source.api_key;
    let (kind, rights) = match source.kind {
        SourceKind::Deel => ("an organization token of Deel", "`people:read`"),
        SourceKind::Humaans => ("a token of Humaans", "`public:read` and `private:read`"),
    };
    match error {
        error if error.is_unauthorized() || matches!(error, ClientError::Key { .. }) => {
            Finding::failed(
                KEY,
                chain(error),
                format!(
                    "store {kind} in `{secret}`: this one is wrong, ended or of another environment"
                ),
            )
        }
        error if error.is_forbidden() => Finding::failed(
            SCOPES,
            chain(error),
            format!("make {kind} with {rights}, and store it in `{secret}`"),
        ),
        error if error.is_bad_request() => Finding::failed(
            KEY,
            chain(error),
            "the vendor no longer takes this version of its API: upgrade rollcall",
        ),
        error => Finding::failed(
            KEY,
            chain(error),
            "look at the vendor's status page, the network and the source's `base_url`, then try again",
        ),
    }
}
