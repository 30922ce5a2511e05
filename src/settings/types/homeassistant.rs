use super::Entities;

/// What Home Assistant is told, over the broker of `mqtt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeAssistantSettings {
    /// Which entities. Default `native`; nothing is told where `mqtt.enabled` is false.
    pub entities: Entities,
    /// The first levels of the topics that Home Assistant finds entities at. Default `homeassistant`.
    pub prefix: String,
    /// Where Home Assistant says `online` when it has started. Default `homeassistant/status`.
    pub birth_topic: String,
    /// The currency that `rates` are in, by its ISO 4217 code. Default `GBP`.
    pub currency: String,
}

// === impl HomeAssistantSettings ===

impl Default for HomeAssistantSettings {
    fn default() -> Self {
        Self {
            entities: Entities::Native,
            prefix: "homeassistant".into(),
            birth_topic: "homeassistant/status".into(),
            currency: "GBP".into(),
        }
    }
}
