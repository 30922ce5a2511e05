"""Asks a dongle, simulated or real, what an independent client sees behind it, and prints that as JSON.

Usage: check_simulator.py HOST PORT

The client is the library givenergy-modbus (see requirements.txt beside this file). Printed are the plant that it detects, the fields
that it decodes for inverter, batteries and meters, and the registers that it read.
"""

import argparse
import asyncio
import json
import sys

from givenergy_modbus.client.client import Client

DEADLINE = 90


def fields(device):
    return device.model_dump(mode="json")


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
        # A battery's first block counts only once a second one agrees.
        for _ in range(2):
            plant = await client.refresh()
        return {
            "detected": found.to_dict(),
            "inverter": fields(plant.inverter),
            "batteries": [fields(battery) for battery in plant.batteries],
            "meters": {f"{address:#04x}": fields(meter) for address, meter in plant.meters.items()},
            "registers": registers(plant),
        }
    finally:
        await client.close()


def main():
    parser = argparse.ArgumentParser(description="Print what an independent client sees behind a dongle")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    seen = asyncio.run(asyncio.wait_for(look(arguments.host, arguments.port), DEADLINE))
    json.dump(seen, sys.stdout, indent=1, default=str)
    print()


if __name__ == "__main__":
    main()
