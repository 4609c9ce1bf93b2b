//! What an admin does by hand to what is remembered of one person: `rollcall release` forgets it, `rollcall rename` gives
//! another username, in JumpCloud too. No run does either; both are on an audit chain of their own.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clients::{ClientError, JumpCloud};
use jiff::SignedDuration;
use mapping::scim::is_username;
use mapping::{SystemUser, SystemUserId, Text};
use serde_json::{Map, Value, json};
use state::{Deed, Lease, Link, Scribe, State};
use tokio::time::Instant;
use uuid::Uuid;

use crate::args::{Common, Said};
use crate::commands::Exit;
use crate::workplace::Workplace;
use crate::{now, show};

/// A command's own lease, unless it ends before.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long JumpCloud is waited for: less than the lease is held.
const PATIENCE: Duration = Duration::from_secs(30);

/// `release`.
pub(crate) async fn release(common: &Common, who: &str, said: &Said) -> Result<Exit> {
    leased(common, "release", async |workplace, lease| {
        let state = &workplace.runner.state;
        let link = linked(state, who).await?;
        let values = json!({"username": link.username, "by": said.by, "reason": said.reason});
        let (deed, scribe) = (deed("release", "release", &link, values), scribe());
        let (user, noted) = (link.user_id.as_ref(), Some((&scribe, &deed)));
        state.delete_link(lease, &link.key, user, noted).await?;
        Ok(format!(
            "{} is forgotten; its JumpCloud user `{}` stays as it is, and the next run recognises or creates one anew",
            link.key, link.username
        ))
    })
    .await
}

/// `rename`.
pub(crate) async fn rename(
    common: &Common,
    who: &str,
    username: &str,
    said: &Said,
) -> Result<Exit> {
    ensure!(
        is_username(username),
        "`{username}` is no username for JumpCloud: it begins with a letter, and has letters, digits, `.`, `_` and `-` alone"
    );
    leased(common, "rename", async |workplace, lease| {
        renamed(workplace, lease, who, username, said).await
    })
    .await
}

/// Does something under a lease of its own, and shows what was done.
async fn leased(
    common: &Common,
    command: &str,
    work: impl AsyncFnOnce(&Workplace, &Lease) -> Result<String>,
) -> Result<Exit> {
    let workplace = Workplace::open(common, true).await?;
    let state = &workplace.runner.state;
    let holder = format!("{command}-{}", std::process::id());
    let lease = state.acquire(&holder, now(), LEASE).await?;
    let done = work(&workplace, &lease).await;
    state.release(&lease).await?;
    show::err(&format!("{}\n", done?));
    workplace.close().await;
    Ok(Exit::Done)
}

/// The writer of the chain of one command.
fn scribe() -> Scribe {
    Scribe::of_tool(&Uuid::now_v7().to_string())
}

/// What a command did, or is about to do, to one person.
fn deed(command: &'static str, did: &str, link: &Link, values: Value) -> Deed {
    Deed {
        at: now(),
        actor: Text::const_new(command),
        what: json!({"did": did, "worker": link.key, "id": link.user_id}),
        values,
    }
}

/// The link of the one person whom this names.
async fn linked(state: &State, who: &str) -> Result<Link> {
    let mut links = if who.contains('@') {
        state.links_of(&state.find_by_email(who).await?).await?
    } else {
        let all = state.links().await?;
        all.into_iter()
            .filter(|link| link.key.worker_id.as_str() == who || link.key.to_string() == who)
            .collect()
    };
    match (links.pop(), links.len()) {
        (Some(link), 0) => Ok(link),
        (None, _) => bail!(
            "nobody is linked under `{who}`: `rollcall explain` says what is known of a person"
        ),
        (Some(_), others) => bail!(
            "{} people are linked under `{who}`: give `SOURCE/WORKER_ID`",
            others + 1
        ),
    }
}

/// Renames somebody; what was done, in a line.
async fn renamed(
    workplace: &Workplace,
    lease: &Lease,
    who: &str,
    username: &str,
    said: &Said,
) -> Result<String> {
    let state = &workplace.runner.state;
    let jumpcloud = workplace.runner.jumpcloud.begin(Instant::now() + PATIENCE);
    let link = linked(state, who).await?;
    let Some(id) = &link.user_id else {
        bail!(
            "{} has no JumpCloud user yet: the next run makes it",
            link.key
        );
    };
    let Some(user) = jumpcloud.user(id).await? else {
        bail!(
            "the JumpCloud user of {} was deleted: `rollcall release` forgets it",
            link.key
        );
    };
    let protect = &workplace.runner.config.protect;
    if let Some(why) = protect.reason(&user.username, user.admin) {
        bail!("the user {why} and is never written");
    }
    ensure!(
        protect.reason(username, false).is_none(),
        "the username `{username}` is protected by the configuration, and given to nobody"
    );
    if user.username == username && link.username == username {
        return Ok(format!(
            "{} has the username `{username}` already",
            link.key
        ));
    }
    refuse_taken(state, &jumpcloud, &link, id, username).await?;

    let scribe = scribe();
    let deed = |did| {
        let values = json!({"before": user.username, "after": username, "by": said.by, "reason": said.reason});
        deed("rename", did, &link, values)
    };
    state.note_deed((&scribe, &deed("begin_rename"))).await?;
    // One that was cut off has renamed the user already.
    if user.username != username {
        let fields = Map::from_iter([("username".to_owned(), username.into())]);
        let updated = jumpcloud.update::<SystemUser>(id, &fields).await;
        updated.map_err(advise)?;
    }
    let after = Link {
        username: username.into(),
        ..link.clone()
    };
    state.put_link(lease, &after).await.context(
        "JumpCloud has the new username, and it is not remembered: give the same command again",
    )?;
    state.note_deed((&scribe, &deed("rename"))).await?;
    Ok(format!(
        "{} is `{username}` now, and was `{}`; accounts and home folders on devices keep the name that they have",
        link.key, user.username
    ))
}

/// Refuses a name that another user has, or that is kept for somebody whom we remember.
async fn refuse_taken(
    state: &State,
    jumpcloud: &JumpCloud,
    link: &Link,
    id: &SystemUserId,
    username: &str,
) -> Result<()> {
    let users: Vec<SystemUser> = jumpcloud.find(&[("username", username)]).await?;
    if let Some(other) = users.iter().find(|user| user.id != *id) {
        bail!(
            "the username `{username}` is taken by the user `{}`",
            other.id
        );
    }
    let links = state.links().await?;
    let is_kept =
        |other: &&Link| other.key != link.key && other.username.eq_ignore_ascii_case(username);
    if let Some(other) = links.iter().find(is_kept) {
        bail!("the username `{username}` is kept for {}", other.key);
    }
    Ok(())
}

/// What JumpCloud's refusal means most of the time.
fn advise(error: ClientError) -> anyhow::Error {
    let is_refused = error.is_conflict_or_refused();
    let error = anyhow::Error::from(error);
    if is_refused {
        error.context(
            "JumpCloud did not rename the user: it does so only for one who is bound to no device, application or group",
        )
    } else {
        error
    }
}
