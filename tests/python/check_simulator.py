"""Asks dongles, simulated or real, what an independent client sees behind each, and prints that as JSON.

Usage: check_simulator.py HOST PORT [PORT ...]

The client is the library givenergy-modbus (see requirements.txt beside this file). Printed is an object by port: the plant that it
detects, the fields that it decodes for inverter, plant controller, gateway, batteries, stacks and meters, and the registers that it read.
All dongles are asked at the same time.
"""

import argparse
import asyncio
import json
import sys

from givenergy_modbus.client.client import Client

DEADLINE = 90


def fields(device):
    return device.model_dump(mode="json")


def stacks(plant):
    return [
        {
            "address": f"{stack.device_address:#04x}",
            "bcu": fields(stack.bcu),
            "modules": [fields(module) for module in stack.bmus],
        }
        for stack in plant.hv_stacks
    ]


def registers(plant):
    return {
        f"{address:#04x}": {str(register): value for register, value in cache.items()}
        for address, cache in sorted(plant.register_caches.items())
        if cache
    }


async def look(host, port):
    client = Client(host, port)
    await client.connect()
    try:
        found = await client.detect()
        await client.load_config()
        plant = await client.refresh()
        if found.lv_battery_addresses:
            # A battery's first block counts only once a second one agrees.
            plant = await client.refresh()
        gateway = getattr(plant, "gateway", None)
        return {
            "detected": found.to_dict(),
            "inverter": fields(plant.inverter),
            "ems": fields(plant.ems) if plant.ems else None,
            "gateway": fields(gateway) if gateway else None,
            "children": [inverter.serial_number for inverter in plant.inverters],
            "stacks": stacks(plant),
            "modules": [fields(module) for module in plant.aio_battery_modules],
            "batteries": [fields(battery) for battery in plant.batteries],
            "meters": {f"{address:#04x}": fields(meter) for address, meter in plant.meters.items()},
            "registers": registers(plant),
        }
    finally:
        await client.close()


async def look_at_all(host, ports):
    seen = await asyncio.gather(*(asyncio.wait_for(look(host, port), DEADLINE) for port in ports))
    return {str(port): plant for port, plant in zip(ports, seen)}


def main():
    parser = argparse.ArgumentParser(description="Print what an independent client sees behind dongles")
    parser.add_argument("host")
    parser.add_argument("port", type=int, nargs="+")
    arguments = parser.parse_args()
    seen = asyncio.run(look_at_all(arguments.host, arguments.port))
    json.dump(seen, sys.stdout, indent=1, default=str)
    print()


if __name__ == "__main__":
    main()
