//! The Lambda function `scim`: a SCIM 2.0 service provider (RFC 7643, RFC 7644) whose users live in JumpCloud.
//!
//! A bare start: the configuration already reads its section, nothing is served yet.
