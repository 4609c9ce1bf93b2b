//! `rollcall rename`: gives somebody another username, in JumpCloud and in what is remembered of that person. No run does:
//! a username, once given, changes by hand alone.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clients::{ClientError, JumpCloud};
use mapping::scim::is_username;
use mapping::{SystemUser, SystemUserId, Text};
use serde_json::{Map, json};
use state::{Deed, Lease, Link, Scribe, State};
use tokio::time::Instant;
use uuid::Uuid;

use crate::args::{Common, Said};
use crate::commands::{Exit, LEASE, linked};
use crate::workplace::Workplace;
use crate::{now, show};

/// How long JumpCloud is waited for: less than the lease is held.
const PATIENCE: Duration = Duration::from_secs(30);

/// `rename`.
pub(crate) async fn run(common: &Common, who: &str, username: &str, said: &Said) -> Result<Exit> {
    ensure!(
        is_username(username),
        "`{username}` is no username for JumpCloud: it begins with a letter, and has letters, digits, `.`, `_` and `-` alone"
    );
    let workplace = Workplace::open(common, true).await?;
    let state = &workplace.runner.state;
    let lease = state
        .acquire(&format!("rename-{}", std::process::id()), now(), LEASE)
        .await?;
    let renamed = rename(&workplace, &lease, who, username, said).await;
    state.release(&lease).await?;
    show::err(&format!("{}\n", renamed?));
    workplace.close().await;
    Ok(Exit::Done)
}

/// What was done, in a line.
async fn rename(
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

    let scribe = Scribe::of_tool(&Uuid::now_v7().to_string());
    let deed = |did: &str| Deed {
        at: now(),
        actor: Text::const_new("rename"),
        what: json!({"did": did, "worker": link.key, "id": id}),
        values: json!({"before": user.username, "after": username, "by": said.by, "reason": said.reason}),
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
