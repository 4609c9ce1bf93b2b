//! The configuration that a world starts with.

use sandbox::Sandbox;

/// The sources of a configuration, in their order.
#[derive(Debug, Clone, Copy, Default)]
enum Sources {
    #[default]
    Deel,
    /// Deel twice, the second time under this name.
    DeelTwice(&'static str),
    Humaans,
    DeelThenHumaans,
}

/// The configuration that a world starts with: the addresses of its sandbox, and defaults.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    jumpcloud: Vec<String>,
    sections: Vec<String>,
    source: Vec<String>,
    sources: Sources,
    of_second_source: Vec<String>,
    whole: Option<String>,
}

impl Setup {
    /// A configuration of defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line to `[jumpcloud]`.
    #[must_use]
    pub fn jumpcloud(mut self, line: &str) -> Self {
        self.jumpcloud.push(line.to_owned());
        self
    }

    /// Adds a section, such as `[limits]` with its lines.
    #[must_use]
    pub fn section(mut self, text: &str) -> Self {
        self.sections.push(text.to_owned());
        self
    }

    /// Adds a line to the `[[source]]`.
    #[must_use]
    pub fn source(mut self, line: &str) -> Self {
        self.source.push(line.to_owned());
        self
    }

    /// Adds a source of this name that lists the same people.
    #[must_use]
    pub fn second_source(mut self, name: &'static str) -> Self {
        self.sources = Sources::DeelTwice(name);
        self
    }

    /// Makes Humaans the only source.
    #[must_use]
    pub fn humaans(mut self) -> Self {
        self.sources = Sources::Humaans;
        self
    }

    /// Adds Humaans as the second source.
    #[must_use]
    pub fn humaans_too(mut self) -> Self {
        self.sources = Sources::DeelThenHumaans;
        self
    }

    /// Adds a line to the second source.
    #[must_use]
    pub fn of_second_source(mut self, line: &str) -> Self {
        self.of_second_source.push(line.to_owned());
        self
    }

    /// Replaces the whole configuration.
    #[must_use]
    pub fn configuration(mut self, text: &str) -> Self {
        self.whole = Some(text.to_owned());
        self
    }

    /// The configuration for this sandbox. Vendors without a limit are asked as fast as one machine can.
    pub(crate) fn to_toml(&self, sandbox: &Sandbox) -> String {
        let Self {
            jumpcloud,
            sections,
            source,
            sources,
            of_second_source,
            whole,
        } = self;
        if let Some(text) = whole {
            return text.clone();
        }
        let deel = |name: &str| {
            let url = sandbox.deel_url();
            format!(
                "name = \"{name}\"\nkind = \"deel\"\napi_key = \"rollcall/deel\"\nbase_url = \"{url}\""
            )
        };
        let humaans = || {
            let url = sandbox.humaans_url();
            format!(
                "name = \"humaans\"\nkind = \"humaans\"\napi_key = \"rollcall/humaans\"\nbase_url = \"{url}\"\n\
                 requests_per_second = 1000"
            )
        };
        let (first, second) = match sources {
            Sources::Deel => (deel("deel"), None),
            Sources::DeelTwice(name) => (deel("deel"), Some(deel(name))),
            Sources::Humaans => (humaans(), None),
            Sources::DeelThenHumaans => (deel("deel"), Some(humaans())),
        };
        let second = second.map(|second| format!("\n[[source]]\n{second}\n"));
        format!(
            "[jumpcloud]\napi_key = \"rollcall/jumpcloud\"\nbase_url = \"{}\"\n\
             requests_per_second = 1000\n{}\n{}\n\n[[source]]\n{first}\n{}\n{}{}",
            sandbox.jumpcloud_url(),
            jumpcloud.join("\n"),
            sections.join("\n"),
            source.join("\n"),
            second.unwrap_or_default(),
            of_second_source.join("\n"),
        )
    }
}
