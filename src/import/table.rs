//! What each of GivTCP's keys becomes here; in any case, since its two versions spell the same keys differently.

use super::{MOST, is_true};

/// Why a key is not carried over of which nothing is known.
pub(super) const UNKNOWN: &str = "is none of GivTCP's settings that are known here";
/// Why one is not that sets nothing.
pub(super) const EMPTY: &str = "it is empty: the default holds";
/// Why one is not that this version has no use for.
pub(super) const NO_ENTITIES: &str = "this version does not announce itself to Home Assistant";

const DETECTED: &str = "models and batteries are detected";
const PREDBAT: &str = "charge targets are not planned here: use Predbat, which works with this program";
const NO_CHARGER: &str = "EV chargers are not read by this program";
const NO_PAGE: &str = "the page is where http.listen says, without a port of its own";
const ALWAYS: &str = "polling always runs";
const RETRIES: &str = "how often a request is tried again depends on what it reads";
const OWN: &str = "it is of GivTCP's own workings";
const ONE_ROOT: &str = "all inverters are published below one root, mqtt.root";

/// What a key becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A setting.
    Setting(&'static str, As),
    /// Something of the inverter with this number.
    OfInverter(OfInverter, u8),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// What of an inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfInverter {
    Host,
    Name,
    Serial,
    /// What its entities' ids begin with.
    Prefix,
    /// Whether it is polled.
    Enabled,
}

/// How a value is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// The same.
    Same,
    /// A number of seconds.
    Seconds,
    /// `Info`, `Warning`, `Critical`, `write_debug` and the like.
    Level,
    /// Whether others switch between day and night.
    External,
    /// `Off`, `None`, `Low`, `Medium` or `High`.
    Smoothing,
    /// Whether Home Assistant was told: then its entities go on.
    Entities,
    /// The broker's address.
    Broker,
    /// A time zone.
    Zone,
    /// Whether the new locks are used: the old ones were files.
    NewLocks,
}

/// Whole keys.
const KEYS: &[(&[&str], Becomes)] = &[
    (&["V3UPGRADE", "PYTHONPATH", "HOST_IP"], Becomes::Nothing(OWN)),
    (
        &["AUTO_SCAN"],
        Becomes::Nothing("it is searched where no inverter is named; `givtcp discover` searches at any time"),
    ),
    (&["NUMINVERTORS"], Becomes::Nothing("every inverter of the list is polled, and no other")),
    (&["NUM_BATTERIES"], Becomes::Nothing(DETECTED)),
    (&["INVERTOR_IP"], Becomes::OfInverter(OfInverter::Host, 1)),
    (&["HADEVICEPREFIX"], Becomes::OfInverter(OfInverter::Prefix, 1)),
    (&["MQTT_OUTPUT"], Becomes::Setting("mqtt.enabled", As::Same)),
    (&["MQTT_ADDRESS"], Becomes::Setting("mqtt.host", As::Broker)),
    (&["MQTT_PORT"], Becomes::Setting("mqtt.port", As::Same)),
    (&["MQTT_USERNAME"], Becomes::Setting("mqtt.username", As::Same)),
    (&["MQTT_PASSWORD"], Becomes::Setting("mqtt.password", As::Same)),
    (&["MQTT_RETAIN"], Becomes::Setting("mqtt.retain", As::Same)),
    (&["MQTT_TOPIC"], Becomes::Setting("mqtt.root", As::Same)),
    (&["MQTT_TOPIC_2", "MQTT_TOPIC_3"], Becomes::Nothing(ONE_ROOT)),
    (
        &["CACHE_LOCATION", "CACHELOCATION"],
        Becomes::Nothing("nothing of GivTCP's files is used; data_dir has a place of its own"),
    ),
    (&["TZ", "TIMEZONE"], Becomes::Setting("timezone", As::Zone)),
    (&["LOG_LEVEL"], Becomes::Setting("log.level", As::Level)),
    (&["PRINT_RAW_REGISTERS", "PRINT_RAW"], Becomes::Setting("mqtt.raw", As::Same)),
    (&["SELF_RUN"], Becomes::Nothing(ALWAYS)),
    (&["SELF_RUN_TIMER", "SELF_RUN_LOOP_TIMER"], Becomes::Setting("poll.every", As::Seconds)),
    (&["SELF_RUN_TIMER_FULL", "SELF_RUN_LOOP_TIMER_FULL"], Becomes::Setting("poll.settings_every", As::Seconds)),
    (&["QUEUE_RETRIES"], Becomes::Nothing(RETRIES)),
    (&["DATA_SMOOTHER", "DATASMOOTHER"], Becomes::Setting("smoothing", As::Smoothing)),
    (&["INFLUX_OUTPUT"], Becomes::Setting("influx.enabled", As::Same)),
    (&["INFLUXURL"], Becomes::Setting("influx.url", As::Same)),
    (&["INFLUXTOKEN"], Becomes::Setting("influx.token", As::Same)),
    (&["INFLUXORG"], Becomes::Setting("influx.org", As::Same)),
    (&["INFLUXBUCKET"], Becomes::Setting("influx.bucket", As::Same)),
    (&["HA_AUTO_D", "HA_AUTO_DISCOVERY"], Becomes::Setting("homeassistant.entities", As::Entities)),
    (&["DYNAMIC_TARIFF", "DYNAMICTARIFF"], Becomes::Setting("rates.mode", As::External)),
    (&["DAY_RATE", "DAYRATE"], Becomes::Setting("rates.day.rate", As::Same)),
    (&["NIGHT_RATE", "NIGHTRATE"], Becomes::Setting("rates.night.rate", As::Same)),
    (&["EXPORT_RATE", "EXPORTRATE"], Becomes::Setting("rates.export_rate", As::Same)),
    (&["DAY_RATE_START", "DAYRATESTART"], Becomes::Setting("rates.day.start", As::Same)),
    (&["NIGHT_RATE_START", "NIGHTRATESTART"], Becomes::Setting("rates.night.start", As::Same)),
    (&["WEB_DASH", "WEB_DASH_PORT"], Becomes::Nothing(NO_PAGE)),
    (&["SMART_TARGET", "SMARTTARGET", "GE_API", "GEAPI", "LOAD_HIST_WEIGHT"], Becomes::Nothing(PREDBAT)),
    (&["SERIAL_NUMBER_EVC"], Becomes::Nothing(NO_CHARGER)),
    (&["FEATURE_FLAG_USE_NEW_LOCKS", "USE_NEW_LOCKS"], Becomes::Setting("locks.backend", As::NewLocks)),
    (
        &["FEATURE_FLAG_USE_NEW_CACHE", "FEATURE_FLAG_USE_NEW_SERVICES", "USE_NEW_CACHE", "USE_NEW_SERVICES"],
        Becomes::Nothing("cache and services are always in use"),
    ),
];

/// Beginnings of keys, whatever follows.
const BEGINNINGS: &[(&str, &str)] = &[("PALM_", PREDBAT), ("SOLCAST", PREDBAT), ("EVC_", NO_CHARGER)];

/// Beginnings of keys that end with the number of an inverter.
const NUMBERED: &[(&str, Result<OfInverter, &str>)] = &[
    ("INVERTORIP_", Ok(OfInverter::Host)),
    ("INVERTOR_IP_", Ok(OfInverter::Host)),
    ("INVERTER_ENABLE_", Ok(OfInverter::Enabled)),
    ("SERIAL_NUMBER_", Ok(OfInverter::Serial)),
    ("INVERTERNAME_", Ok(OfInverter::Prefix)),
    ("HADEVICEPREFIX_", Ok(OfInverter::Prefix)),
    ("INVERTOR_NAME_", Ok(OfInverter::Name)),
    ("MODEL_", Err(DETECTED)),
    ("NUMBATTERIES_", Err(DETECTED)),
    ("INVERTOR_AIO_", Err(DETECTED)),
    ("INVERTOR_AC_", Err(DETECTED)),
    (
        "INVERTER_BATTERY_ONLY_",
        Err(
            "GivTCP did nothing with it; who leads whom is detected, and inverters[].role battery_only does what it was meant for",
        ),
    ),
];

/// What this key becomes; `None` if nothing is known of it.
pub(super) fn becomes(key: &str) -> Option<Becomes> {
    let key = key.to_ascii_uppercase();
    if let Some((_, becomes)) = KEYS.iter().find(|(names, _)| names.contains(&&*key)) {
        return Some(*becomes);
    }
    let numbered = NUMBERED.iter().find_map(|(beginning, what)| {
        let number = key.strip_prefix(beginning)?.parse::<u8>().ok().filter(|number| (1..=MOST).contains(number))?;
        Some(match what {
            Ok(what) => Becomes::OfInverter(*what, number),
            Err(why) => Becomes::Nothing(why),
        })
    });
    let begins = || BEGINNINGS.iter().find(|(beginning, _)| key.starts_with(beginning));
    numbered.or_else(|| begins().map(|(_, why)| Becomes::Nothing(why)))
}

impl As {
    /// The value as it is written here; or why it cannot be.
    pub(super) fn converted(self, text: &str) -> Result<String, String> {
        let lower = text.to_ascii_lowercase();
        Ok(match self {
            Self::Same | Self::Broker | Self::Zone => text.to_owned(),
            Self::Seconds => {
                let seconds: f64 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
                // Shorter periods were possible there.
                format!("{}s", seconds.clamp(5.0, 3600.0).round())
            }
            Self::Level => match lower.as_str() {
                "warning" => "warn".to_owned(),
                "critical" => "error".to_owned(),
                "write_debug" => "debug".to_owned(),
                _ => lower,
            },
            Self::External => if is_true(text) { "external" } else { "clock" }.to_owned(),
            Self::Smoothing => {
                if lower == "off" {
                    "none".to_owned()
                } else {
                    lower
                }
            }
            Self::Entities => if is_true(text) { "givtcp" } else { "off" }.to_owned(),
            Self::NewLocks => if is_true(text) { "auto" } else { "file" }.to_owned(),
        })
    }
}
