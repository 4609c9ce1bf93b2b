//! A profile's records as Humaans shows them: a person, the role, the location and the company.

use serde_json::{Map, Value, json};

use super::{Office, Profile, Stage, hash};
use crate::wire::object;

/// What a person has where nothing was filled in.
const NEVER_SET: [&str; 32] = [
    "middleName",
    "preferredName",
    "remoteCity",
    "remoteRegionCode",
    "remoteCountryCode",
    "remoteTimezone",
    "phoneNumber",
    "formattedPhoneNumber",
    "personalPhoneNumber",
    "formattedPersonalPhoneNumber",
    "gender",
    "profilePhotoId",
    "profilePhoto",
    "nationality",
    "dietaryPreference",
    "bio",
    "linkedIn",
    "twitter",
    "github",
    "probationEndDate",
    "leavingReason",
    "leavingNote",
    "leavingFileId",
    "turnoverImpact",
    "employeeId",
    "taxId",
    "taxCode",
    "calendarFeedToken",
    "seenDocumentsAt",
    "source",
    "sourceId",
    "payrollProvider",
];

/// What one profile is in Humaans. The person and the role have no `id` unless the profile sets the person's.
#[derive(Debug)]
pub(crate) struct HumaansRecords {
    pub(crate) person: Map<String, Value>,
    /// Without `personId`.
    pub(crate) job_role: Map<String, Value>,
    pub(crate) location: Map<String, Value>,
    pub(crate) company: Map<String, Value>,
}

impl Profile {
    /// The records, of which the person has every documented field.
    pub(crate) fn to_humaans(&self) -> HumaansRecords {
        let Office {
            city,
            region,
            country,
            timezone,
            entity,
        } = self.office;
        let (department, _) = &self.department;
        HumaansRecords {
            person: self.humaans_person(),
            job_role: object(json!({
                "jobTitle": self.job_title,
                "department": department,
                "reportingTo": self.manager.get("id"),
                "effectiveDate": self.start_date.to_string(),
                "endDate": null,
                "note": null,
            })),
            location: object(json!({
                "id": short_id(city),
                "companyId": short_id(entity),
                "label": city,
                "address": "1 High Street",
                "city": city,
                "state": region,
                "postcode": "10000",
                "countryCode": country,
                "country": country,
                "timezone": timezone,
            })),
            company: object(json!({
                "id": short_id(entity),
                "name": entity,
                "domains": ["northlight.example"],
                "trialEndDate": null,
                "status": "active",
                "paymentStatus": "ok",
                "package": "enterprise",
                "isTimesheetEnabled": false,
                "autogenerateEmployeeId": false,
                "nextEmployeeId": null,
            })),
        }
    }

    fn humaans_person(&self) -> Map<String, Value> {
        let mut person = self.humaans_profile();
        person.extend(self.humaans_employment());
        for unset in NEVER_SET {
            person.insert(unset.to_owned(), Value::Null);
        }
        self.override_fields(&mut person);
        person
    }

    /// Who somebody is, and where.
    fn humaans_profile(&self) -> Map<String, Value> {
        let Office {
            city,
            region,
            country,
            timezone,
            ..
        } = self.office;
        object(json!({
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.work_email,
            "personalEmail": self.personal_email,
            "locationId": short_id(city),
            "birthday": "1990-01-01",
            "nationalities": [],
            "spokenLanguages": [],
            "foodAllergies": [],
            "address": "1 High Street",
            "city": city,
            "state": region,
            "postcode": "10000",
            "countryCode": country,
            "country": country,
            "timezone": timezone,
            "publicHolidayCalendarId": country,
            "isVerified": true,
            "isWorkEmailHidden": false,
            "isBirthdayHidden": false,
            "role": "user",
            "demo": false,
        }))
    }

    fn humaans_employment(&self) -> Map<String, Value> {
        let last_day = self.stage.last_day().map(|day| day.to_string());
        let start_date = self.start_date.to_string();
        object(json!({
            "companyId": short_id(self.office.entity),
            "employmentStartDate": start_date,
            "firstWorkingDay": start_date,
            "employmentEndDate": last_day,
            // As in the vendor's own sample, where it means nothing.
            "lastWorkingDay": last_day.as_deref().unwrap_or(&start_date),
            "workingDays": [{"day": "monday"}, {"day": "tuesday"}],
            "contractType": "Full time",
            "teams": [{"name": self.team}],
            "status": match self.stage {
                Stage::Draft
                | Stage::PendingInvite
                | Stage::Onboarding
                | Stage::OnboardingOverdue => "newHire",
                Stage::Active | Stage::Offboarding(_) => "active",
                Stage::Inactive(_) => "offboarded",
            },
        }))
    }
}

/// 24 letters and digits, as Humaans' ids are: always the same for the same name.
pub(crate) fn short_id(name: &str) -> String {
    const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bits = u128::from(hash(name)) << 64 | u128::from(hash(&format!("{name}/")));
    (0..24)
        .map(|_| {
            let digit = usize::try_from(bits % 62).unwrap_or_default();
            bits /= 62;
            char::from(DIGITS.get(digit).copied().unwrap_or(b'0'))
        })
        .collect()
}
