//! SNS's one call, `Publish`: what would have been sent to everybody who subscribed to a topic.

use hyper::StatusCode;

use crate::wire::{Answer, Call};

/// The answer to a message that is taken.
const TAKEN: &str = r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>00000000-0000-4000-8000-000000000001</MessageId></PublishResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000002</RequestId></ResponseMetadata></PublishResponse>"#;

/// A message to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The topic's ARN.
    pub topic: String,
    /// The subject of a mail of it.
    pub subject: String,
    /// The text.
    pub message: String,
}

/// Every message that was taken, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topics(pub(crate) Vec<Notification>);

impl Topics {
    /// Takes a message. SNS's limits of a subject: printable ASCII, no line break, less than 100 characters.
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(&call.body);
            let found = fields.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if field("Action").as_deref() != Some("Publish") {
            return refusal("InvalidAction", "the sandbox answers Publish only");
        }
        let (Some(topic), Some(message)) = (field("TopicArn"), field("Message")) else {
            return refusal("InvalidParameter", "TopicArn and Message are required");
        };
        let subject = field("Subject").unwrap_or_default();
        let is_printable = |c: char| c == ' ' || c.is_ascii_graphic();
        if subject.len() > 99 || !subject.chars().all(is_printable) || message.is_empty() {
            return refusal("InvalidParameter", "Invalid parameter: Subject or Message");
        }
        self.0.push(Notification {
            topic,
            subject,
            message,
        });
        Answer::text(StatusCode::OK, "text/xml", TAKEN)
    }
}

fn refusal(code: &str, message: &str) -> Answer {
    let body = format!(
        r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>00000000-0000-4000-8000-000000000003</RequestId></ErrorResponse>"#
    );
    Answer::text(StatusCode::BAD_REQUEST, "text/xml", body)
}
