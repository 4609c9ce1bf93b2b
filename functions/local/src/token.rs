//! `rollcall token`: the tokens of SCIM clients, in the secret that the configuration names.
//!
//! A token is shown once and kept nowhere: the secret has its SHA-256. What else stands in the secret stays there.

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use jiff::tz::TimeZone;
use scim::tokens_in;
use secrecy::{ExposeSecret, SecretString};
use secrets::{Freshness, Secrets};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::args::Common;
use crate::commands::{Exit, print_json};
use crate::workplace::{aws_account, read_config, secrets_of};
use crate::{now, show};

/// The list of tokens in the secret's document.
const TOKENS: &str = "tokens";

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Make a token: it is printed this once, and its digest stored in the secret
    New {
        /// What you call it, such as okta-2026
        #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Whom users and ids belong to; several tokens may be one client's [default: NAME]
        #[arg(long, value_name = "CLIENT", value_parser = NonEmptyStringValueParser::new())]
        client: Option<String>,
        /// What it allows
        #[arg(long, default_value = "write", value_parser = ["read", "write"])]
        scope: String,
    },
    /// List the tokens: name, client, scope
    List,
    /// End a token
    Revoke {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `token`.
pub(crate) async fn run(common: &Common, action: &Action) -> Result<Exit> {
    let config = read_config(&common.config)?;
    let secrets = secrets_of(&aws_account().await?, crate::variable);
    let secret = config.scim.tokens.as_str();
    match action {
        Action::New {
            name,
            client,
            scope,
        } => {
            let client = client.as_ref().unwrap_or(name);
            new(common, &secrets, secret, [name, client, scope]).await?;
        }
        Action::List => {
            let value = secrets.get(secret, Freshness::Fresh).await?;
            list(common, tokens_of(&document(secret, Some(&value))?))?;
        }
        Action::Revoke { name } => revoke(&secrets, secret, name).await?,
    }
    Ok(Exit::Done)
}

async fn new(
    common: &Common,
    secrets: &Secrets,
    secret: &str,
    [name, client, scope]: [&str; 3],
) -> Result<()> {
    let token = random_token()?;
    let entry = json!({
        "name": name, "client": client, "scope": scope, "sha256": hex::encode(Sha256::digest(&token)),
        "created": now().to_zoned(TimeZone::UTC).date(),
    });
    let added = change(secrets, secret, |tokens| {
        if has(tokens, name) {
            bail!("there is a token `{name}`: choose another name, or revoke that one first");
        }
        tokens.push(entry.clone());
        Ok(())
    });
    let written = added.await?;
    if common.json {
        print_json(&json!({"token": token, "name": name, "client": client, "scope": scope}))?;
    } else {
        show::out(&format!("{token}\n"));
    }
    written.or_tell()?;
    show::err(&format!(
        "the token `{name}` of client `{client}` ({scope}) is live within a minute. It is shown this once, and kept nowhere\n"
    ));
    Ok(())
}

async fn revoke(secrets: &Secrets, secret: &str, name: &str) -> Result<()> {
    let removed = change(secrets, secret, |tokens| {
        if !has(tokens, name) {
            bail!("there is no token `{name}`: `rollcall token list` shows them");
        }
        tokens.retain(|token| !is_named(token, name));
        Ok(())
    });
    removed.await?.or_tell()?;
    show::err(&format!(
        "the token `{name}` is revoked: a service that read the secret just before takes it for another minute\n"
    ));
    Ok(())
}

/// What became of a changed document.
enum Written {
    /// It is in the secret.
    Stored,
    /// The secret is a variable, and this is what it must hold.
    Yours { variable: String, text: String },
}

impl Written {
    /// A change that somebody else must make is not done yet.
    fn or_tell(self) -> Result<()> {
        match self {
            Self::Stored => Ok(()),
            Self::Yours { variable, text } => bail!(
                "nothing is stored, since `{variable}` is a variable that only you can set: give it this value\n{text}"
            ),
        }
    }
}

/// Changes the tokens of a secret and nothing else in it.
async fn change(
    secrets: &Secrets,
    name: &str,
    change: impl Fn(&mut Vec<Value>) -> Result<()>,
) -> Result<Written> {
    let changed = |current: Option<&SecretString>| -> Result<String> {
        let mut document = document(name, current)?;
        if let Some(Value::Array(tokens)) = document.get_mut(TOKENS) {
            change(tokens)?;
        }
        Ok(Value::Object(document).to_string())
    };
    if let Some(variable) = name.strip_prefix("env:") {
        let current = secrets.get(name, Freshness::Fresh).await.ok();
        return Ok(Written::Yours {
            variable: variable.to_owned(),
            text: changed(current.as_ref())?,
        });
    }
    let stored = secrets.change(name, |current| changed(current).map(SecretString::from));
    stored.await?;
    Ok(Written::Stored)
}

/// The document of a secret, in which there are `tokens`; refused unless the service can read it as well.
fn document(name: &str, secret: Option<&SecretString>) -> Result<Map<String, Value>> {
    let Some(secret) = secret else {
        return Ok(Map::from_iter([(TOKENS.to_owned(), json!([]))]));
    };
    let mend = || {
        format!(
            "nothing was changed: correct `{name}` by hand, or put {{\"tokens\":[]}} there, which ends every token"
        )
    };
    tokens_in(name, secret).with_context(mend)?;
    serde_json::from_str(secret.expose_secret()).with_context(mend)
}

fn tokens_of(document: &Map<String, Value>) -> &[Value] {
    let tokens = document.get(TOKENS).and_then(Value::as_array);
    tokens.map_or(&[], Vec::as_slice)
}

fn has(tokens: &[Value], name: &str) -> bool {
    tokens.iter().any(|token| is_named(token, name))
}

fn is_named(token: &Value, name: &str) -> bool {
    text(token, "name") == Some(name)
}

fn text<'a>(token: &'a Value, field: &str) -> Option<&'a str> {
    token.get(field).and_then(Value::as_str)
}

/// 256 bits from the operating system, as text that any header takes.
fn random_token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the operating system gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

/// Shows everything but the digests.
fn list(common: &Common, tokens: &[Value]) -> Result<()> {
    let rows = tokens.iter().map(|token| {
        let name = text(token, "name").unwrap_or_default();
        let client = text(token, "client").unwrap_or(name);
        (name, client, text(token, "scope"), text(token, "created"))
    });
    if common.json {
        let rows = rows.map(|(name, client, scope, created)| {
            json!({"name": name, "client": client, "scope": scope, "created": created})
        });
        return print_json(&rows.collect::<Vec<Value>>());
    }
    if tokens.is_empty() {
        show::out("no token yet: `rollcall token new NAME` makes one\n");
        return Ok(());
    }
    let mut table = show::table(&["name", "client", "scope", "created"]);
    for (name, client, scope, created) in rows {
        let cells = [name, client, scope.unwrap_or("–"), created.unwrap_or("–")];
        show::add_row(&mut table, cells.map(str::to_owned));
    }
    show::out(&format!("{}\n", table.trim_fmt()));
    Ok(())
}
