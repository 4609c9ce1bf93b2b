//! The schemas (RFC 7643 §4, §7) as one table: what a client may send, what it gets back, and how each value compares.
//!
//! `/Schemas`, reading, filters, PATCH, sorting and projection all follow this table; nothing else names an attribute's
//! characteristics. What JumpCloud cannot hold is only named, in `not_held`.

use std::fmt;

#[cfg(test)]
mod tests;

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// RFC 3339.
    DateTime,
    /// A URI of a resource.
    Reference,
    /// Sub-attributes.
    Complex,
}

/// Who may write it (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// Everyone.
    ReadWrite,
    /// Set once.
    Immutable,
    /// Written, never read.
    WriteOnly,
}

/// When it is returned (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Whatever is asked for.
    Always,
    /// Never.
    Never,
    /// Unless it is excluded.
    Default,
    /// Only when it is asked for.
    Request,
}

/// Among whom its value is unique (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Not at all.
    None,
    /// In this service.
    Server,
}

/// An attribute and its characteristics (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a characteristic by the RFC's own name"
)]
pub struct Attribute {
    /// The canonical spelling.
    pub name: &'static str,
    /// The data type.
    pub kind: Kind,
    /// Whether there may be several.
    pub multi_valued: bool,
    /// What it is for.
    pub description: &'static str,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether comparing heeds case.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Among whom it is unique.
    pub uniqueness: Uniqueness,
    /// Values that are suggested, or, with `closed`, the only ones.
    pub canonical_values: &'static [&'static str],
    /// Whether other values than the canonical ones are refused.
    pub closed: bool,
    /// What a reference may point to.
    pub reference_types: &'static [&'static str],
    /// Characters (Unicode scalar values) at most.
    pub max_length: Option<usize>,
    /// The parts of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it describes.
    pub description: &'static str,
    /// Its attributes, without the common ones.
    pub attributes: &'static [Attribute],
    /// What the RFC has in this schema and JumpCloud cannot hold: a client may send it, and nothing comes of it.
    pub not_held: &'static [&'static str],
}

/// A type of resource (RFC 7643 §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: &'static str,
    /// Relative to the base URL, with its slash.
    pub endpoint: &'static str,
    /// What it describes.
    pub description: &'static str,
    /// The core schema.
    pub schema: &'static Schema,
    /// The extensions, none of them required.
    pub extensions: &'static [&'static Schema],
}

/// An attribute, or a part of one, of a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN of the extension; none for core and common attributes.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The sub-attribute.
    pub sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// What the path ends in: the sub-attribute, or else the attribute.
    pub fn target(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute.name)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{}", sub.name))
    }
}

/// Looks a name up in any case (RFC 7643 §2.1).
fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

impl Attribute {
    /// The sub-attribute of this name, in any case.
    pub fn sub_attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(self.sub_attributes, name)
    }

    /// Whether a client names other resources by it (RFC 7643 §2.4).
    pub(crate) fn refers(&self) -> bool {
        let is_uri = |sub: &Attribute| sub.kind == Kind::Reference && sub.name == "$ref";
        self.mutability != Mutability::ReadOnly && self.sub_attributes.iter().any(is_uri)
    }

    /// Whether what a client sends for it is left out: because only the server writes it, or because it is the URI of
    /// what the `value` beside it names.
    pub(crate) fn is_left_out(&self) -> bool {
        self.mutability == Mutability::ReadOnly || self.kind == Kind::Reference
    }
}

impl Schema {
    fn is_known_but_not_held(&self, path: &str) -> bool {
        let attribute = path.split('.').next().unwrap_or(path);
        self.not_held
            .iter()
            .any(|name| name.eq_ignore_ascii_case(path) || name.eq_ignore_ascii_case(attribute))
    }
}

impl ResourceType {
    /// The schemas: the core one, then the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        std::iter::once(self.schema).chain(self.extensions.iter().copied())
    }

    /// The schema with this URN, in any case.
    pub fn schema_with_urn(&self, urn: &str) -> Option<&'static Schema> {
        self.schemas()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Resolves `attribute` or `attribute.sub`, in any case, with or without the URN of its schema (RFC 7644 §3.10).
    ///
    /// An extension's attribute is also found under its bare name, after the core ones: `costCenter` and
    /// `organization` have always been published so. No two of our schemas share a name.
    pub fn find(&self, path: &str) -> Option<AttributePath> {
        match self.split_urn(path) {
            Some((schema, name)) => self.find_in(schema, name),
            None => self.schemas().find_map(|schema| self.find_in(schema, path)),
        }
    }

    /// Resolves `attribute` or `attribute.sub` within one of this type's schemas; the core one has the common attributes too.
    pub fn find_in(&self, schema: &'static Schema, path: &str) -> Option<AttributePath> {
        let (name, sub) = match path.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (path, None),
        };
        let is_core = schema.id == self.schema.id;
        let common: &'static [Attribute] = if is_core { COMMON } else { &[] };
        let attribute = named(schema.attributes, name).or_else(|| named(common, name))?;
        let sub = match sub {
            Some(sub) => Some(attribute.sub_attribute(sub)?),
            None => None,
        };
        Some(AttributePath {
            extension: (!is_core).then_some(schema.id),
            attribute,
            sub,
        })
    }

    /// Whether the path names something that the RFC's schemas have and JumpCloud cannot hold, or a part of such a thing.
    pub fn is_known_but_not_held(&self, path: &str) -> bool {
        match self.split_urn(path) {
            Some((schema, path)) => schema.is_known_but_not_held(path),
            None => self
                .schemas()
                .any(|schema| schema.is_known_but_not_held(path)),
        }
    }

    /// Takes the URN of one of the schemas off a path; the rest is never a URN.
    fn split_urn<'path>(&self, path: &'path str) -> Option<(&'static Schema, &'path str)> {
        self.schemas().find_map(|schema| {
            let (urn, rest) = path.split_at_checked(schema.id.len())?;
            let name = rest.strip_prefix(':')?;
            urn.eq_ignore_ascii_case(schema.id)
                .then_some((schema, name))
        })
    }
}

/// The core schema of users (RFC 7643 §4.1).
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The core schema of groups (RFC 7643 §4.2).
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// What JumpCloud stores of a text.
const TEXT_LENGTH: usize = 1024;
/// What JumpCloud stores of an employee identifier.
const EMPLOYEE_NUMBER_LENGTH: usize = 256;

/// Optional text in any case, to read and write.
const TEXT: Attribute = Attribute {
    name: "",
    kind: Kind::String,
    multi_valued: false,
    description: "",
    required: false,
    case_exact: false,
    mutability: Mutability::ReadWrite,
    returned: Returned::Default,
    uniqueness: Uniqueness::None,
    canonical_values: &[],
    closed: false,
    reference_types: &[],
    max_length: Some(TEXT_LENGTH),
    sub_attributes: &[],
};

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        description,
        ..TEXT
    }
}

const fn complex(
    name: &'static str,
    description: &'static str,
    sub_attributes: &'static [Attribute],
) -> Attribute {
    Attribute {
        name,
        description,
        kind: Kind::Complex,
        max_length: None,
        sub_attributes,
        ..TEXT
    }
}

const fn several(
    name: &'static str,
    description: &'static str,
    sub_attributes: &'static [Attribute],
) -> Attribute {
    Attribute {
        multi_valued: true,
        ..complex(name, description, sub_attributes)
    }
}

const fn read_only(attribute: Attribute) -> Attribute {
    Attribute {
        mutability: Mutability::ReadOnly,
        max_length: None,
        ..attribute
    }
}

const fn reference(
    name: &'static str,
    description: &'static str,
    reference_types: &'static [&'static str],
) -> Attribute {
    Attribute {
        kind: Kind::Reference,
        case_exact: true,
        reference_types,
        ..read_only(text(name, description))
    }
}

const fn one_of(
    name: &'static str,
    description: &'static str,
    canonical_values: &'static [&'static str],
    closed: bool,
) -> Attribute {
    Attribute {
        canonical_values,
        closed,
        ..text(name, description)
    }
}

/// What every resource has (RFC 7643 §3.1): part of no schema.
pub static COMMON: &[Attribute] = &[
    Attribute {
        kind: Kind::Reference,
        multi_valued: true,
        required: true,
        case_exact: true,
        returned: Returned::Always,
        max_length: None,
        reference_types: &["uri"],
        ..text(
            "schemas",
            "The URNs of the schemas that the resource follows.",
        )
    },
    Attribute {
        case_exact: true,
        returned: Returned::Always,
        uniqueness: Uniqueness::Server,
        ..read_only(text("id", "The id of the resource, JumpCloud's own."))
    },
    Attribute {
        case_exact: true,
        ..text(
            "externalId",
            "The client's own id of the resource, unique for the client.",
        )
    },
    Attribute {
        sub_attributes: &[
            Attribute {
                case_exact: true,
                ..read_only(text("resourceType", "The name of the resource type."))
            },
            Attribute {
                kind: Kind::DateTime,
                ..read_only(text("created", "When the resource was created."))
            },
            Attribute {
                kind: Kind::DateTime,
                ..read_only(text(
                    "lastModified",
                    "When the resource was created or last written by this service, whichever is later.",
                ))
            },
            reference("location", "The URI of the resource.", &["uri"]),
            Attribute {
                case_exact: true,
                ..read_only(text("version", "The entity tag of the resource."))
            },
        ],
        ..read_only(complex(
            "meta",
            "What the service knows about the resource.",
            &[],
        ))
    },
];

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "A JumpCloud user.",
    schema: &USER_SCHEMA,
    extensions: &[&ENTERPRISE_SCHEMA],
};

/// Groups.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "A JumpCloud user group.",
    schema: &GROUP_SCHEMA,
    extensions: &[],
};

/// The types that are served.
pub static RESOURCE_TYPES: &[&ResourceType] = &[&USER, &GROUP];

static USER_SCHEMA: Schema = Schema {
    id: USER_URN,
    name: "User",
    description: "A JumpCloud user.",
    attributes: &[
        Attribute {
            required: true,
            uniqueness: Uniqueness::Server,
            ..text("userName", "The name that the user signs in with.")
        },
        complex(
            "name",
            "The parts of the user's name.",
            &[
                text("familyName", "The last name."),
                text("givenName", "The first name."),
                text("middleName", "The middle name."),
            ],
        ),
        text("displayName", "The name to show."),
        text("title", "The job title."),
        text("userType", "The kind of employment."),
        text(
            "locale",
            "The user's location, as JumpCloud publishes this mapping.",
        ),
        Attribute {
            kind: Kind::Boolean,
            max_length: None,
            ..text(
                "active",
                "Whether the user may sign in; false suspends the user.",
            )
        },
        Attribute {
            case_exact: true,
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..text(
                "password",
                "A new password, passed on to JumpCloud and kept nowhere.",
            )
        },
        Attribute {
            required: true,
            ..several(
                "emails",
                "The work address, unique across JumpCloud, and a private one.",
                &[
                    Attribute {
                        required: true,
                        ..text("value", "The address.")
                    },
                    one_of("type", "Which of the two.", &["work", "home"], true),
                    Attribute {
                        kind: Kind::Boolean,
                        max_length: None,
                        ..text("primary", "True for the work address.")
                    },
                ],
            )
        },
        several(
            "phoneNumbers",
            "The user's phone numbers.",
            &[
                Attribute {
                    required: true,
                    ..text("value", "The number.")
                },
                one_of(
                    "type",
                    "What the number is for.",
                    &["work", "home", "mobile", "work_mobile", "work_fax"],
                    false,
                ),
            ],
        ),
        several(
            "addresses",
            "The user's addresses.",
            &[
                text("streetAddress", "Street and number."),
                text("locality", "The city."),
                text("region", "The state, province or region."),
                text("postalCode", "The postal code."),
                text("country", "The country."),
                one_of("type", "What the address is for.", &["work", "home"], false),
            ],
        ),
        Attribute {
            returned: Returned::Request,
            mutability: Mutability::ReadOnly,
            ..several(
                "groups",
                "The groups that the user is a member of; returned when asked for.",
                &[
                    Attribute {
                        case_exact: true,
                        ..read_only(text("value", "The group's id."))
                    },
                    reference("$ref", "The URI of the group.", &["Group"]),
                    Attribute {
                        canonical_values: &["direct"],
                        ..read_only(text("type", "How the user is a member."))
                    },
                ],
            )
        },
    ],
    not_held: &[
        "name.formatted",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "nickName",
        "profileUrl",
        "preferredLanguage",
        "timezone",
        "emails.display",
        "phoneNumbers.display",
        "phoneNumbers.primary",
        "ims",
        "photos",
        "addresses.formatted",
        "addresses.primary",
        "groups.display",
        "entitlements",
        "roles",
        "x509Certificates",
    ],
};

static ENTERPRISE_SCHEMA: Schema = Schema {
    id: ENTERPRISE_URN,
    name: "EnterpriseUser",
    description: "What an employer knows of a user.",
    attributes: &[
        Attribute {
            case_exact: true,
            uniqueness: Uniqueness::Server,
            max_length: Some(EMPLOYEE_NUMBER_LENGTH),
            ..text("employeeNumber", "The employer's own id of the person.")
        },
        text("costCenter", "The cost centre."),
        text("organization", "The company or legal entity."),
        text("department", "The department."),
        complex(
            "manager",
            "The user's manager.",
            &[
                Attribute {
                    case_exact: true,
                    ..text("value", "The id of the manager's user.")
                },
                Attribute {
                    mutability: Mutability::ReadWrite,
                    ..reference("$ref", "The URI of the manager's user.", &["User"])
                },
            ],
        ),
    ],
    not_held: &["division", "manager.displayName"],
};

static GROUP_SCHEMA: Schema = Schema {
    id: GROUP_URN,
    name: "Group",
    description: "A JumpCloud user group.",
    attributes: &[
        Attribute {
            required: true,
            uniqueness: Uniqueness::Server,
            ..text("displayName", "The name of the group.")
        },
        several(
            "members",
            "The users who are direct members.",
            &[
                Attribute {
                    required: true,
                    case_exact: true,
                    mutability: Mutability::Immutable,
                    ..text("value", "The id of the member's user.")
                },
                Attribute {
                    mutability: Mutability::Immutable,
                    ..reference("$ref", "The URI of the member's user.", &["User"])
                },
                Attribute {
                    mutability: Mutability::Immutable,
                    ..one_of("type", "What the member is.", &["User"], true)
                },
            ],
        ),
    ],
    not_held: &["members.display"],
};
