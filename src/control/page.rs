//! `docs/control.md`, made from the commands and from what is planned of them.

use std::fmt::Write;

use super::{Abilities, Allowed, COMMANDS, Command, Context, Known, Name, Plan, Refusal, plan};
use crate::frame::{Bank, Serial};
use crate::plant::{Capabilities, Identity, Model};

const HEAD: &str = "\
# Commands

Every command, what may come with it, and which registers it writes on which model. Made from the program itself: do not
edit this page, but `src/control/`, and then run `GIVTCP_BLESS=1 cargo test --test it control`.

They come by MQTT, published to `<root>/control/<serial>/<command>`, with what became of them told at
`<root>/result/<serial>/<command>` ([mqtt.md](mqtt.md#commands)), over HTTP ([api.md](api.md)),
and from the command line ([command-line.md](command-line.md)).

Names and payloads are GivTCP's. A payload is bare text, as on MQTT, or a JSON object, as GivTCP's REST interface has it;
both are understood wherever a command comes from. Capital letters in names and words do not matter, numbers may stand in
quotes, fields that a command does not know are ignored. `N` in a name is a number.

## What always holds

- A register is written only if it stands in the table [at the end](#registers-that-may-be-written), on this model, in
  its range. Everything else is refused: `HR 101 is read-only`. An unknown model is only read.
- What is so already is not written again; registers wear out. Registers are read right before.
- Flags that give most of the battery away are set last and cleared first. When both times of a slot change and the slot
  between the two writes (one old time, one new) would be in force when nobody asked for it, within half an hour of now,
  the slots are switched off meanwhile. A plant controller has no switch for that.
- Rates in W become what the register counts in: hundredths of the battery's capacity (HR 111 and 112; 50 is the most, and
  the battery's full power), or per cent of the inverter's power; the nearest counts, and what it comes to is told in W.
  HR 313, 314, 1108 and 1110 take no 0: there 0 W becomes 1 %, and is told as such.
- `setChargeTarget` writes the target and whether it is in force (HR 20): 100 % means that there is none.
  `enableChargeTarget` writes the flag as it is asked for; `disable` sets the target to 100 % too.
- `Eco (Paused)` is Eco with a reserve of 100 %. `Eco` puts the reserve back that was last seen below 100 %, 4 % (5 % on
  three phases) if none was; a reserve below 100 % it leaves alone. The timed modes leave the reserve alone.
- A slot of 00:00 to 00:00 is cleared. One that ends when it begins otherwise is refused: some firmware may take it for
  the whole day.
- A restart writes 100 into HR 163 and nothing else: other numbers there reset to what the factory has set. It must be
  confirmed with the inverter's serial number, `{\"confirm\": \"SD2227G101\"}`, and so must a calibration.
- HR 166 (real-time control) is written by `enableRTC` only, never by the way.
- The clock is not set within three minutes of midnight, when the day's counters begin anew, and not while a timed override
  runs, which ends by it.
- A clock that is off by a minute is set by the program itself, once a day at most, and not within ten minutes of midnight
  or of a slot's edge: `control.clock_sync`, [settings.md](settings.md#commands).
- Timed overrides (`forceCharge`, `forceExport`, `tempPauseCharge`, `tempPauseDischarge`) have a page of their own:
  [overrides.md](overrides.md). A command that sets a register which one of them holds ends it first.
- `switchRate` and `rebootAddon` write no register. With `rates.mode: external` `switchRate` tells the tariff which rate has
  begun; with `clock` it is refused, since day and night have times. `rebootAddon` restarts this program over HTTP
  ([api.md](api.md)), and is refused elsewhere.
- An inverter that a plant controller leads takes the clock and a restart only; the rest is the controller's.

## How a command is carried out

1. Each inverter's commands wait in a queue of 32; the task that has the connection takes them between two requests, so
   that an idle inverter has its command at once. The start and the end of a slot that come within two seconds are one
   command. An outcome is told within nine seconds of the asking, and no command is begun later than that.
2. What the plan depends on is read, and the plan made from that. A dry run (`control.dry_run`, or asked for with the
   command: by the query `?dry_run=true`, the flag `--dry-run`, or a field `dry_run` of a JSON payload, by whatever way it
   comes) ends here, with the registers that would be written.
3. Under the lock `inverter_write:<serial>` one register after the other is written. An echo must come from the same
   inverter. If none comes, the register is read back after half a second; it is written again, twice at most, only if it
   did not change.
4. What was written is read back. The published values are the new ones before the outcome is told.
5. A plan stops at its first failure, and what was written of it is put back, the last register first. A register that
   holds something that was not written here is somebody else's, and stays.
6. Registers whose write was not confirmed are read again after 5 and 60 seconds. One that changed after all is put back,
   with the event `late_change_undone`, unless a newer command asked for just that.
7. What a plan of two or more registers will have to put back is on disk before its first register is written
   ([statuses.md](statuses.md#where-it-lies)). After a crash, or when the connection broke, it is completed at the next
   connection if all of its registers hold what was to be written, and else rolled back, with the event
   `command_settled`. Of the clock nothing is put back: set it again.

Registers wear out, so commands may write 300 of them a day on each inverter (`control.daily_writes`); `Stats/Write_Count`
counts all writes. Neither that nor `control.enabled: false` stops an undoing.

| outcome | means | with |
|---|---|---|
| `applied` | done: it was read back | `registers`, each with what it held `before` and holds `after` |
| `unchanged` | it was so already; nothing was written | |
| `clamped` | done as far as the inverter can: more or less than it has was asked for | `achieved`, in W or %; rounding to a step of the register is told in `amount` and is `applied` |
| `rejected` | the inverter did not take it | `register`, `what`, `wanted`, `holds`, `why`; `put_back` |
| `refused` | not begun: nothing was written | `code`, as below, and `why` |
| `unreachable` | the inverter could not be reached, or not to the end | `why`; `put_back`, which is `false` if that is still to come |
| `planned` | a dry run | `plan`: `register`, `value`, `meaning` |

## Where sources contradict each other

Recordings of real inverters decide where there are any; else the reading is taken that does less harm if it is wrong.

| what | one says | another says | here |
|---|---|---|---|
| HR 31, 32 | `givenergy-modbus`: charge slot 2 | the vendor's document: language and contrast of the display; recordings hold 0 to 4 there | never written. Charge slot 2 is HR 243 and 244 on models with ten slots, as GivTCP has it; models with two slots have one charge slot here |
| HR 243, 244 | `givenergy-modbus`: in no list of what may be written | GivTCP: charge slot 2 of models with ten slots, and their map has slots 1 and 3 around it | written on models with ten slots |
| HR 111, 112 | `givenergy-modbus`: up to 100; the vendor's document: up to 250 | GivTCP and recordings: up to 50 | up to 50 |
| HR 1078, 1111 | `givenergy-modbus`: from 4 % | the vendor's document: from 5 % | from 5 % |
| HR 1109 | `givenergy-modbus`: from 4 % | the vendor's document: from 5 % | from 4 %, which Predbat asks for; an inverter that does not take it is told as `rejected` |
| targets of slots, plant controllers' too | registers take 0 | the vendor's application: from 4 % | from 4 % |
| a discharge slot's `dischargeToPercent` | GivTCP writes it into the reserve (HR 110), for good and for every slot | models with ten slots have a target for each | the slot's target; without one it is refused, and `setBatteryReserve` is there |
| three phases: HR 1122, 1123 | `givenergy-modbus`: force flags, latched | GivTCP: discharge and charge schedule. An inverter that was recorded with both set and no slots served the house and exported nothing; GivTCP's users saw the same (its issues 186, 216, 218) | as GivTCP. The timed modes set HR 1122 beside HR 59, as their mode is told by it; Eco clears both |
| HR 114 on three phases | GivTCP: the cutoff | what it publishes as the cutoff is HR 1078 | HR 1078 |
| HR 166 | the vendor's application: real-time control | the library: settings are kept in the EEPROM | only on command. Three-phase inverters show it in HR 1005, which is not written |
| HR 331, 5010 and others | registers that owners may write | sustained island operation, restarts of whole systems | no command |
| HR 2071 | a register of owners | a limit that the grid's operator sets | not written |
| 82xx | its map is that of three phases | no unit has shown it yet | only read, until IR 1000 is seen to answer |

## Refusals

| code | means |
|---|---|
| `unknown_model` | what the inverter is is not known; it is only read |
| `unproven_model` | no unit of this model has shown where its settings stand |
| `not_supported` | this model has nothing that could do it |
| `out_of_range` | the register does not take that: `reserve (HR 110) is out of range: must be 4..100: 2` |
| `read_only` | a register that is not in the table |
| `own_command` | a register that only its own command writes |
| `not_confirmed` | the inverter's serial number did not come with it |
| `unread` | registers must be read first, and will be |
| `not_known` | the battery's capacity, its power or the time is not known yet, or it is still being found out what is behind the inverter |
| `around_midnight` | the clock is not set now |
| `override_runs` | a timed override runs, and ends by the clock that should be set |
| `record_lost` | the record of an earlier override is damaged: what is set may be that override's ([what to do](statuses.md#a-damaged-record)) |
| `nothing_to_give` | a force export would have to stop at 100 %: the reserve is that, and none below was seen |
| `led` | a plant controller has these settings |
| `empty_slot` | a slot that ends when it begins |
| `elsewhere` | no matter of registers |
| `disabled` | `control.enabled` is `false` |
| `budget` | as many registers were written today as may be |
| `busy` | 32 commands wait already |
| `wrong_inverter` | another inverter answers than the one that is meant |
| `not_kept` | what a plan of several registers would have to undo cannot be kept ([why](statuses.md#when-no-override-can-start)) |
| `invalid` | MQTT: no such command, or a payload that it does not understand |
| `retained`, `expired`, `superseded`, `duplicate` | MQTT: published as retained; over, or replaced by a newer one, before it was begun; the same with the same id came before |
| `stopping` | the program stops, or gives the inverter to another process |
";

/// A model that plans are shown for.
pub(crate) struct Sample {
    /// What people call it.
    pub(crate) title: &'static str,
    /// What is known of it.
    pub(crate) context: Context,
}

/// Title, device type code, ARM firmware, optional blocks that answer, all-in-ones.
type Shape = (&'static str, u16, u16, &'static [(Bank, u16)], Option<i64>);

const SAMPLES: &[Shape] = &[
    ("HYBRID_GEN1", 0x2001, 449, &[], None),
    ("HYBRID_GEN2", 0x2001, 912, &[], None),
    ("HYBRID_GEN3 up to ARM 302", 0x2001, 302, &[], None),
    ("HYBRID_GEN3", 0x2001, 312, &[], None),
    ("HYBRID_GEN4", 0x8304, 1012, &[], None),
    ("POLAR", 0x2101, 212, &[], None),
    ("HYBRID", 0x2201, 212, &[], None),
    ("PV only (23xx)", 0x2301, 212, &[], None),
    ("AC", 0x3001, 282, &[], None),
    ("ALL_IN_ONE", 0x8001, 620, &[], None),
    ("HYBRID_HV_GEN3", 0x8102, 1103, &[], None),
    ("HYBRID_3PH", 0x4004, 0, &[], None),
    ("AC_3PH", 0x6001, 0, &[], None),
    ("AIO_COMMERCIAL", 0x4103, 0, &[], None),
    ("ALL_IN_ONE_HYBRID", 0x8201, 0, &[(Bank::Input, 1000)], None),
    ("EMS, EMS_COMMERCIAL", 0x5001, 1036, &[], None),
    ("GATEWAY of several all-in-ones", 0x7001, 14, &[(Bank::Holding, 240), (Bank::Holding, 300)], Some(2)),
    ("GATEWAY of one all-in-one", 0x7001, 14, &[(Bank::Holding, 240), (Bank::Holding, 300)], Some(1)),
];

/// One of each model that differs from others.
pub(crate) fn samples() -> Vec<Sample> {
    SAMPLES.iter().map(sample).collect()
}

/// The page.
pub fn control_page() -> String {
    let samples = samples();
    let mut page = HEAD.to_owned();
    let _ = write!(
        page,
        "\n## Commands\n\nRegisters are those that the example writes, of a battery of 9.5 kWh that can do 3600 W (three \
         phases and gateways: 12000 W), with every\nflag at 0 before. Of a command with a number they stand for each \
         number that the model has.\n"
    );
    for name in COMMANDS {
        command(&mut page, name, &samples);
    }
    registers(&mut page, &samples);
    page
}

fn sample(&(title, code, arm, extra, aios): &Shape) -> Sample {
    let model = Model::of(code, arm);
    let serial = Serial::new(*b"SD2227G101");
    let identity = Identity { serial, model, device_type_code: code, arm_firmware: arm, dsp_firmware: 0 };
    let capabilities = Capabilities { extra: extra.to_vec(), ..Capabilities::of(&identity) };
    let abilities = Abilities::of(&capabilities, aios);
    let is_large = capabilities.has_three_phase_bank() || model == Model::Gateway;
    let context = Context {
        serial,
        abilities,
        battery_kwh: Some(9.5),
        battery_watts: Some(if is_large { 12_000 } else { 3600 }),
        known: Allowed::ALL.iter().map(|allowed| (allowed.register, 0)).collect::<Known>(),
        wall: Some(jiff::civil::date(2026, 6, 5).at(12, 0, 0, 0)),
        last_reserve: None,
        led_by: None,
    };
    Sample { title, context }
}

fn command(page: &mut String, name: &Name, samples: &[Sample]) {
    let _ = writeln!(page, "\n### {}\n\n{}.\n", name.name, capitalised(name.does));
    if !name.aliases.is_empty() {
        let aliases: Vec<_> = name.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = writeln!(page, "- also: {}", aliases.join(", "));
    }
    if name.numbers > 0 {
        let _ = writeln!(page, "- N: 1 to {}", name.numbers);
    }
    let _ = writeln!(page, "- takes: {}", name.takes);
    let text = if name.text.is_empty() { String::new() } else { format!("`{}` or ", name.text) };
    let _ = writeln!(page, "- for example: {text}`{}`", name.body);
    let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
    for sample in samples {
        let outcome = outcome(name, &sample.context);
        match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, titles)) => titles.push(sample.title),
            None => outcomes.push((outcome, vec![sample.title])),
        }
    }
    // What is refused comes last.
    outcomes.sort_by_key(|(outcome, _)| outcome.starts_with(REFUSED));
    let _ = writeln!(page, "\n| on | writes |\n|---|---|");
    let all = outcomes.len() == 1;
    for (outcome, titles) in outcomes {
        let titles = if all { "all".to_owned() } else { titles.join(", ") };
        let _ = writeln!(page, "| {titles} | {outcome} |");
    }
}

const REFUSED: &str = "refused";

/// What the example comes to on a model, and the others that its command has.
fn outcome(name: &Name, context: &Context) -> String {
    let payload = if name.body.contains("confirm") { name.body } else { name.example() };
    if matches!(Command::parse(name.name, payload), Ok(Command::Override(_))) {
        return format!("as [overrides.md](overrides.md#{}) has it", name.name.to_lowercase());
    }
    let of = |name: &str, payload: &str| match Command::parse(name, payload) {
        Ok(command) => plan(&command, context),
        Err(_) => Err(Refusal::Elsewhere("nobody")),
    };
    if name.numbers == 0 {
        let first = match of(name.name, payload) {
            Ok(plan) => written(&plan, true),
            Err(refusal) => return refused(&refusal),
        };
        let more = name.more.iter().map(|payload| {
            let outcome = of(name.name, payload);
            format!("; `{payload}`: {}", outcome.map_or_else(|refusal| refused(&refusal), |plan| written(&plan, true)))
        });
        return std::iter::once(first).chain(more).collect();
    }
    let numbered = (1..=name.numbers).map(|number| (number, of(&name.numbered(number), payload)));
    let (good, bad): (Vec<_>, Vec<_>) = numbered.partition(|(_, outcome)| outcome.is_ok());
    if good.is_empty() {
        return bad.first().and_then(|(_, outcome)| outcome.as_ref().err()).map(refused).unwrap_or_default();
    }
    let good = good
        .iter()
        .filter_map(|(number, outcome)| Some(format!("{number}: {}", written(outcome.as_ref().ok()?, false))));
    good.collect::<Vec<_>>().join("; ")
}

fn written(plan: &Plan, with_values: bool) -> String {
    let step = |step: &super::Step| {
        let (register, value) = (step.write.register(), step.write.value());
        if with_values { format!("HR {register} = {value}") } else { format!("HR {register}") }
    };
    let steps: Vec<_> = plan.steps().iter().map(step).collect();
    match (steps.is_empty(), plan.notes.first()) {
        (true, Some(note)) => (*note).to_owned(),
        (true, None) => "nothing".to_owned(),
        (false, _) => steps.join(", "),
    }
}

/// Why not, without the model's name, which stands beside it.
fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotSupported { why, .. } => format!("{REFUSED}: {why}"),
        other => format!("{REFUSED}: {other}"),
    }
}

fn registers(page: &mut String, samples: &[Sample]) {
    let _ = writeln!(page, "\n## Registers that may be written\n\n| register | takes | is | on |\n|---|---|---|---|");
    for allowed in Allowed::ALL {
        let has: Vec<_> = samples.iter().filter(|sample| allowed.is_on(sample.context.abilities)).collect();
        let titles: Vec<_> = has.iter().map(|sample| sample.title).collect();
        let (register, range, what) = (allowed.register, allowed.range, allowed.what);
        let _ = writeln!(page, "| HR {register} | {range} | {what} | {} |", titles.join(", "));
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
