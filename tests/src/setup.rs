//! The configuration that a world starts with.

/// The configuration that a world starts with: the addresses of its sandbox, and defaults.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    jumpcloud: Vec<String>,
    sections: Vec<String>,
    source: Vec<String>,
    second_source: Option<&'static str>,
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
        self.second_source = Some(name);
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

    /// The configuration for a sandbox at these addresses. JumpCloud is asked as fast as one machine can.
    pub(crate) fn to_toml(&self, jumpcloud_url: &str, deel_url: &str) -> String {
        let Self {
            jumpcloud,
            sections,
            source,
            second_source,
            of_second_source,
            whole,
        } = self;
        if let Some(text) = whole {
            return text.clone();
        }
        let source_at = |name: &str| {
            format!(
                "\n[[source]]\nname = \"{name}\"\nkind = \"deel\"\napi_key = \"rollcall/deel\"\n\
                 base_url = \"{deel_url}\"\n"
            )
        };
        let second = second_source.map(source_at).unwrap_or_default();
        format!(
            "[jumpcloud]\napi_key = \"rollcall/jumpcloud\"\nbase_url = \"{jumpcloud_url}\"\n\
             requests_per_second = 1000\n{}\n{}\n{}{}\n{second}{}",
            jumpcloud.join("\n"),
            sections.join("\n"),
            source_at("deel"),
            source.join("\n"),
            of_second_source.join("\n"),
        )
    }
}
