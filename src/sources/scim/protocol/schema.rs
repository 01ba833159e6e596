//! What our SCIM resources are made of (RFC 7643): the one table that `/Schemas` shows, that values are read by and that paths are
//! looked up in.
//!
//! The schemas are the core ones with fewer attributes: what names a person, and what a human needs to recognise one. Everything else that
//! a client sends is ignored and not kept.

/// The core schema of users.
pub(in crate::sources::scim) const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension of users.
pub(in crate::sources::scim) const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The core schema of groups.
pub(in crate::sources::scim) const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// What an attribute's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::scim) enum Form {
    /// A string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A point in time; read-only here.
    Moment,
    /// A URI of a resource or anything else.
    Reference,
    /// An object of these.
    Complex(&'static [Attribute]),
}

/// Who may write an attribute, and whether it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::scim) enum Mutability {
    /// Written by the client.
    ReadWrite,
    /// Made here.
    ReadOnly,
    /// Taken and not kept, so never shown.
    WriteOnly,
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a characteristic of an attribute (RFC 7643 section 7), and any of them goes with any other"
)]
pub(in crate::sources::scim) struct Attribute {
    pub(in crate::sources::scim) name: &'static str,
    pub(in crate::sources::scim) form: Form,
    /// Whether it is a list.
    pub(in crate::sources::scim) many: bool,
    /// Whether a client has to send it, and whether it cannot be removed.
    pub(in crate::sources::scim) required: bool,
    pub(in crate::sources::scim) case_exact: bool,
    /// Whether no two resources may have the same value.
    pub(in crate::sources::scim) unique: bool,
    pub(in crate::sources::scim) mutability: Mutability,
    pub(in crate::sources::scim) about: &'static str,
}

impl Attribute {
    const fn new(name: &'static str, form: Form, about: &'static str) -> Self {
        Self {
            name,
            form,
            many: false,
            required: false,
            case_exact: false,
            unique: false,
            mutability: Mutability::ReadWrite,
            about,
        }
    }

    const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Form::Text, about)
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    const fn exact(self) -> Self {
        Self {
            case_exact: true,
            ..self
        }
    }

    const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    const fn of(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    /// Its sub-attributes.
    pub(in crate::sources::scim) const fn subs(&self) -> &'static [Attribute] {
        match self.form {
            Form::Complex(subs) => subs,
            _ => &[],
        }
    }

    /// The sub-attribute of that name, in any case.
    pub(in crate::sources::scim) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.subs().iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema: the core of a resource type, or an extension.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sources::scim) struct Schema {
    pub(in crate::sources::scim) urn: &'static str,
    pub(in crate::sources::scim) name: &'static str,
    pub(in crate::sources::scim) about: &'static str,
    pub(in crate::sources::scim) attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of that name, in any case.
    pub(in crate::sources::scim) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A type of resource.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sources::scim) struct ResourceType {
    pub(in crate::sources::scim) name: &'static str,
    /// The path of its resources.
    pub(in crate::sources::scim) endpoint: &'static str,
    /// Where its resources are kept.
    pub(in crate::sources::scim) namespace: &'static str,
    pub(in crate::sources::scim) about: &'static str,
    pub(in crate::sources::scim) core: &'static Schema,
    pub(in crate::sources::scim) extension: Option<&'static Schema>,
    /// The attribute that a resource is looked up by.
    pub(in crate::sources::scim) called: &'static str,
}

impl ResourceType {
    /// Its schemas, the core first.
    pub(in crate::sources::scim) fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        [self.core].into_iter().chain(self.extension)
    }
}

/// Attributes that every resource has (RFC 7643 section 3.1). They stand in no schema's list.
pub(in crate::sources::scim) const SHARED: &[Attribute] = &[
    Attribute::text("id", "The identifier given here.")
        .exact()
        .of(Mutability::ReadOnly),
    Attribute::text("externalId", "The client's own identifier.").exact(),
    Attribute::new("meta", Form::Complex(META), "What is known about the resource itself.").of(Mutability::ReadOnly),
    Attribute::new("schemas", Form::Reference, "The schemas of the resource.")
        .exact()
        .many()
        .of(Mutability::ReadOnly),
];

const META: &[Attribute] = &[
    Attribute::text("resourceType", "The type of the resource.")
        .exact()
        .of(Mutability::ReadOnly),
    Attribute::new("created", Form::Moment, "When it was made.").of(Mutability::ReadOnly),
    Attribute::new("lastModified", Form::Moment, "When it last changed.").of(Mutability::ReadOnly),
    Attribute::new("location", Form::Reference, "Where it is.")
        .exact()
        .of(Mutability::ReadOnly),
    Attribute::text("version", "Its entity tag.").exact().of(Mutability::ReadOnly),
];

/// Users.
pub(in crate::sources::scim) static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "Users",
    namespace: "users",
    about: "A person whose access ends when the account is deactivated or deleted.",
    core: &USER_SCHEMA,
    extension: Some(&ENTERPRISE_SCHEMA),
    called: "userName",
};

/// Groups. They are only names here: who is in one is not kept, and nothing follows from it.
pub(in crate::sources::scim) static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "Groups",
    namespace: "groups",
    about: "A group's name. Its members are not kept, and no access ends by leaving one.",
    core: &GROUP_SCHEMA,
    extension: None,
    called: "displayName",
};

/// Every type of resource.
pub(in crate::sources::scim) static TYPES: [&ResourceType; 2] = [&USER, &GROUP];

static USER_SCHEMA: Schema = Schema {
    urn: USER_URN,
    name: "User",
    about: "User account",
    attributes: &[
        Attribute::text(
            "userName",
            "The name that the person signs in with. Case makes no difference.",
        )
        .required()
        .unique(),
        Attribute::new("name", Form::Complex(NAME), "The parts of the person's name."),
        Attribute::text("displayName", "The name to show."),
        Attribute::text("nickName", "The name among friends."),
        Attribute::text("title", "The job title."),
        Attribute::text("userType", "How the person belongs to the organisation."),
        Attribute::new(
            "active",
            Form::Boolean,
            "Whether the person may have access. From true to false, all access ends.",
        )
        .required(),
        Attribute::new("emails", Form::Complex(EMAIL), "The person's e-mail addresses.").many(),
    ],
};

const NAME: &[Attribute] = &[
    Attribute::text("formatted", "The whole name."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
    Attribute::text("middleName", "The middle name."),
];

const EMAIL: &[Attribute] = &[
    Attribute::text("value", "The address."),
    Attribute::text("display", "The address as shown."),
    Attribute::text("type", "What it is for: work, home, other."),
    Attribute::new("primary", Form::Boolean, "Whether it is the one to use."),
];

static ENTERPRISE_SCHEMA: Schema = Schema {
    urn: ENTERPRISE_URN,
    name: "EnterpriseUser",
    about: "Enterprise User",
    attributes: &[
        Attribute::text("employeeNumber", "The HR system's number of the person.").exact(),
        Attribute::text("organization", "The organisation."),
        Attribute::text("division", "The division."),
        Attribute::text("department", "The department."),
        Attribute::text("costCenter", "The cost centre."),
    ],
};

static GROUP_SCHEMA: Schema = Schema {
    urn: GROUP_URN,
    name: "Group",
    about: "Group",
    attributes: &[
        Attribute::text("displayName", "The group's name.").required(),
        Attribute::new("members", Form::Complex(MEMBER), "Who is in the group. Taken and not kept.")
            .many()
            .of(Mutability::WriteOnly),
    ],
};

const MEMBER: &[Attribute] = &[
    Attribute::text("value", "The member's id.").exact().of(Mutability::WriteOnly),
    Attribute::text("display", "The member's name.").of(Mutability::WriteOnly),
    Attribute::text("type", "User or Group.").of(Mutability::WriteOnly),
];
