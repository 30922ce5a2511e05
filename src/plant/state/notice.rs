//! What a block that was taken over shows to be there.

use std::sync::Arc;

use super::{Known, Plant, covers};
use crate::frame::{Bank, BlockKey};
use crate::plant::{BATTERIES, Capabilities, INVERTER, METERS, MIRROR, battery, meter, stacks};
use crate::registers::{RegisterImage, lv_bcu, plan};

impl Plant {
    /// Every page of a device that may have been read before the inverter told who it is.
    pub(super) fn notice_earlier(&mut self) {
        let batteries = BATTERIES.map(plan::battery);
        let meters = METERS.map(plan::meter);
        let stacks = [plan::bms()].into_iter().chain(stacks::CONTROLLERS.map(plan::controller));
        batteries.chain(meters).chain(stacks).for_each(|earlier| self.notice(earlier));
    }

    pub(super) fn notice(&mut self, key: BlockKey) {
        let Some(known) = &mut self.known else { return };
        let image = &self.image;
        if known.capabilities.is_silent(key) {
            known.change(|found| found.silent.retain(|silent| *silent != (key.bank, key.base)));
        }
        match key.device {
            _ if key.bank == Bank::MeterProduct => known.probes.found(key),
            device if BATTERIES.contains(&device) => known.notice_battery(key, image),
            device if METERS.contains(&device) => known.notice_meter(key, image),
            MIRROR if key == plan::lv_bcu() => known.notice_lv_bcu(key, image),
            INVERTER | MIRROR => known.notice_optional(key, image),
            device if stacks::is_part(device) => known.notice_stack(key, image),
            _ => {}
        }
    }
}

impl Known {
    fn change(&mut self, change: impl FnOnce(&mut Capabilities)) {
        change(Arc::make_mut(&mut self.capabilities));
    }

    fn notice_battery(&mut self, key: BlockKey, image: &RegisterImage) {
        if key == plan::battery(key.device) && battery::read(key.device, image.view(key.device)).is_some() {
            if !self.capabilities.batteries.contains(&key.device) {
                self.change(|found| Capabilities::insert(&mut found.batteries, key.device));
            }
            self.probes.found(key);
        }
    }

    /// Some firmware answers zeros for all eight addresses.
    fn notice_meter(&mut self, key: BlockKey, image: &RegisterImage) {
        let page = plan::meter(key.device);
        let has_voltage = meter::read(key.device, image.view(key.device))
            .is_some_and(|meter| meter.voltage[0].is_some_and(|volts| volts > 0.0));
        if !covers(key, page) || !has_voltage {
            return;
        }
        if !self.capabilities.meters.contains(&key.device) {
            self.change(|found| Capabilities::insert(&mut found.meters, key.device));
        }
        if image.get(key.device, Bank::MeterProduct, 60).is_none() {
            self.probes.add(plan::meter_product(key.device), false);
        }
        self.probes.found(page);
    }

    fn notice_lv_bcu(&mut self, key: BlockKey, image: &RegisterImage) {
        if lv_bcu::FIELDS.iter().any(|field| field.flag(image.view(key.device)) == Some(true)) {
            if !self.capabilities.lv_bcu {
                self.change(|found| found.lv_bcu = true);
            }
            self.probes.found(key);
        }
    }

    /// A block that this model may have. Of most of them zeros say that it has not.
    fn notice_optional(&mut self, key: BlockKey, image: &RegisterImage) {
        let block = (key.bank, key.base);
        let is_optional =
            plan::optional(self.capabilities.model).iter().any(|optional| (optional.bank, optional.base) == block);
        if !is_optional || key.count != 60 || image.view(key.device).get(key.bank, key.base).is_none() {
            return;
        }
        // Dark strings are believed of an inverter that has them, and do not say that this one has.
        let says = |at| image.get(key.device, key.bank, at).is_some_and(|value| value != 0);
        if block == (Bank::Input, 1000) && !(1000..1060).any(says) {
            return;
        }
        if !self.capabilities.extra.contains(&block) {
            self.change(|found| {
                found.extra.push(block);
                if key.device == MIRROR {
                    found.mirrored.push(block);
                }
            });
        }
        self.probes.found(BlockKey { device: INVERTER, ..key });
        self.probes.found(BlockKey { device: MIRROR, ..key });
    }

    /// Each page of a stack may tell of more: how many stacks, how many modules, who a module is.
    fn notice_stack(&mut self, key: BlockKey, image: &RegisterImage) {
        let model = self.capabilities.model;
        if !model.has_high_voltage_batteries() {
            return;
        }
        if covers(key, plan::controller_serial(key.device)) {
            self.probes.found(plan::controller_serial(key.device));
        }
        let mut known = self.capabilities.stacks.clone();
        stacks::merge(&mut known, &stacks::found(model, image));
        let bms = self.capabilities.bms || covers(key, plan::bms()) && stacks::number(image).is_some();
        for controller in stacks::controllers(image, &known) {
            self.probes.add(plan::controller(controller), true);
        }
        for stack in stacks::expected(model, image) {
            if image.get(stack.controller, Bank::Input, 120).is_none() {
                self.probes.add(plan::controller_serial(stack.controller), false);
            }
            stack.modules.into_iter().for_each(|module| self.probes.add(plan::module(module), true));
        }
        if self.capabilities.stacks != known || self.capabilities.bms != bms {
            self.change(|found| {
                found.stacks = known;
                found.bms = bms;
            });
        }
        self.probes.skip(&self.capabilities);
    }
}
