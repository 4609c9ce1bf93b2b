//! Where an invented company works, and what people are called there. Any likeness to real people is chance.

use crate::profile::Office;

/// An office, how people are engaged there, and their names.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) office: Office,
    pub(super) hiring_type: &'static str,
    pub(super) first_names: [&'static str; 8],
    pub(super) last_names: [&'static str; 8],
}

const fn office(
    city: &'static str,
    region: &'static str,
    country: &'static str,
    timezone: &'static str,
    entity: &'static str,
) -> Office {
    Office {
        city,
        region,
        country,
        timezone,
        entity,
    }
}

/// Countries are written in more than one way, as Deel's samples do.
pub(super) const PLACES: [Place; 11] = [
    Place {
        office: Office::LONDON,
        hiring_type: "direct_employee",
        first_names: [
            "Alice", "Oliver", "Imogen", "Rupert", "Freya", "Callum", "Beth", "Alfie",
        ],
        last_names: [
            "Ashdown",
            "Birchall",
            "Cotterill",
            "Dunmore",
            "Eastlake",
            "Fairweather",
            "Gathercole",
            "Hollis",
        ],
    },
    Place {
        office: office(
            "New York",
            "NY",
            "US",
            "America/New_York",
            "Northlight Inc.",
        ),
        hiring_type: "direct_employee",
        first_names: [
            "Madison", "Tyler", "Brooke", "Mason", "Savannah", "Logan", "Paige", "Hunter",
        ],
        last_names: [
            "Abernathy",
            "Brightwell",
            "Calloway",
            "Delacroix",
            "Ellsworth",
            "Farnsworth",
            "Greenleaf",
            "Hathaway",
        ],
    },
    Place {
        office: office("Austin", "TX", "USA", "America/Chicago", "Northlight Inc."),
        hiring_type: "hris_direct_employee",
        first_names: [
            "Carmen", "Wyatt", "Dakota", "Travis", "Sierra", "Cody", "Marisol", "Jesse",
        ],
        last_names: [
            "Barrientos",
            "Coldwater",
            "Dryden",
            "Escamilla",
            "Fontaine",
            "Garland",
            "Holloway",
            "Ibarra",
        ],
    },
    Place {
        office: office("Berlin", "Berlin", "DE", "Europe/Berlin", "Northlight GmbH"),
        hiring_type: "direct_employee",
        first_names: [
            "Jürgen", "Annelie", "Götz", "Käthe", "Bastian", "Heike", "Torben", "Mareike",
        ],
        last_names: [
            "Blütengarten",
            "Größmann",
            "Hölzer",
            "Krämerfeld",
            "Lindenthal",
            "Mühlbach",
            "Steinhöfer",
            "Weißdorn",
        ],
    },
    Place {
        office: office(
            "Barcelona",
            "Catalonia",
            "ES",
            "Europe/Madrid",
            "Northlight Iberia SL",
        ),
        hiring_type: "eor",
        first_names: [
            "Íñigo",
            "Begoña",
            "Martí",
            "Núria",
            "Álvaro",
            "Lucía",
            "Jordi",
            "Concepción",
        ],
        last_names: [
            "Arbós",
            "Castañeda",
            "Domènech",
            "Echevarría",
            "Ferrús",
            "Garrigós",
            "Ibáñez",
            "Peñalver",
        ],
    },
    Place {
        office: office("Recife", "PE", "BR", "America/Sao_Paulo", "Northlight Ltd"),
        hiring_type: "eor",
        first_names: [
            "Thaís",
            "João",
            "Conceição",
            "Caetano",
            "Iracema",
            "Otávio",
            "Jussara",
            "Raimundo",
        ],
        last_names: [
            "Araújo",
            "Brandão",
            "Falcão",
            "Guimarães",
            "Leitão",
            "Magalhães",
            "Paixão",
            "Serejo",
        ],
    },
    Place {
        office: office("Warsaw", "Mazovia", "PL", "Europe/Warsaw", "Northlight Ltd"),
        hiring_type: "contractor",
        first_names: [
            "Łukasz",
            "Małgorzata",
            "Wojciech",
            "Żaneta",
            "Grzegorz",
            "Bożena",
            "Zbigniew",
            "Agnieszka",
        ],
        last_names: [
            "Brzózka",
            "Dąbek",
            "Gołębiow",
            "Jarzębina",
            "Kłosek",
            "Świerk",
            "Wiązowa",
            "Źrebiec",
        ],
    },
    Place {
        office: office(
            "Bengaluru",
            "KA",
            "IN",
            "Asia/Kolkata",
            "Northlight India Pvt Ltd",
        ),
        hiring_type: "eor",
        first_names: [
            "Aarav", "Devika", "Ishaan", "Kavya", "Nikhil", "Padma", "Rohan", "Sunita",
        ],
        last_names: [
            "Bhandarkar",
            "Chelliah",
            "Deshmane",
            "Gopalan",
            "Iyengaran",
            "Kulkarnee",
            "Nambiar",
            "Rathore",
        ],
    },
    Place {
        office: office("Tokyo", "Tokyo", "JP", "Asia/Tokyo", "Northlight K.K."),
        hiring_type: "direct_employee",
        first_names: [
            "Haruto", "Yui", "Sōta", "Hina", "Riku", "Aoi", "Kaede", "Ren",
        ],
        last_names: [
            "Aokawa",
            "Fujimine",
            "Hoshida",
            "Kuroiwa",
            "Minazuki",
            "Ōtsubo",
            "Shiraishi",
            "Tsukimori",
        ],
    },
    Place {
        office: office(
            "Sydney",
            "NSW",
            "AU",
            "Australia/Sydney",
            "Northlight Pty Ltd",
        ),
        hiring_type: "direct_employee",
        first_names: [
            "Matilda", "Lachlan", "Kirra", "Darcy", "Indi", "Banjo", "Tahlia", "Flynn",
        ],
        last_names: [
            "Bellbird",
            "Coolibah",
            "Drysdale",
            "Fremantle",
            "Gumley",
            "Illawarra",
            "Kookaburn",
            "Wattle",
        ],
    },
    Place {
        office: office(
            "Cape Town",
            "Western Cape",
            "ZA",
            "Africa/Johannesburg",
            "Northlight Ltd",
        ),
        hiring_type: "contractor",
        first_names: [
            "Thandiwe", "Pieter", "Sipho", "Annika", "Lerato", "Kobus", "Naledi", "Jaco",
        ],
        last_names: [
            "Boschveld",
            "Dlaminé",
            "Fynbos",
            "Karoo",
            "Mabunda",
            "Rooibosch",
            "van der Duin",
            "Zulani",
        ],
    },
];
