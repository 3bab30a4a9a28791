/**
 * The lab's scenarios. Links are narrow and files small, so that links and not processors limit the speed, and a run
 * takes half a minute. The intervals of announces and of choking are shortened in proportion.
 */
import { GATE_SCENARIOS } from "./gate-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import {
  EACH_A_HOME,
  FIRST,
  home,
  outside,
  SEEDER,
  THE_OTHERS,
  threeHomes,
  UPLINK_MBIT,
} from "./scenario-parts.ts";

/** The smallest swarm that shows the savings of a policy. */
const FLASH_CROWD = {
  networks: [...threeHomes({ clients: 8 }), outside(SEEDER)],
  megabytes: 16,
  btrt: EACH_A_HOME,
} as const;

/** A swarm in one home, its seeder outside. */
function smallSwarm(clients: number): Scenario {
  return {
    name: `swarm-${clients}`,
    about: `${clients} clients at home, the seeder outside`,
    networks: [home("home", { clients }), outside(SEEDER)],
    megabytes: 16,
  };
}

/** The scenarios that `npm run lab` knows by name. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "flash-crowd",
    about: "Three homes; eight clients in each arrive within a second; the only seeder is outside",
    ...FLASH_CROWD,
    copies: { most: 1.5, share: 0.5 },
    quick: true,
  },
  {
    name: "mixed-clients",
    about: "The flash crowd with libtorrent, aria2 and rtorrent",
    ...FLASH_CROWD,
    networks: [
      ...threeHomes({ clients: 4 }, { clients: 2, kind: "aria2" }, { clients: 2, kind: "rtorrent" }),
      outside(SEEDER),
    ],
  },
  {
    name: "staggered",
    about: "An operator and its partner, one home; clients there and outside arrive one after the other",
    networks: [
      home("operator", { clients: 10, arrive: [0, 20] }),
      { ...home("partner", { clients: 6, arrive: [0, 20] }), priority: 1, peersWith: "operator" },
      outside({ clients: 2, seed: true }, { clients: 6, arrive: [0, 20] }),
    ],
    megabytes: 16,
  },
  {
    name: "slow-bridges",
    about: "The first two clients at home send at a tenth of the others' rate",
    networks: [home("home", { ...FIRST, upload: 300 }, { ...THE_OTHERS, clients: 10 }), outside(SEEDER)],
    megabytes: 16,
    quick: true,
  },
  {
    name: "vanishing-bridges",
    about: "The first two clients at home are killed when they have 30 % of the file",
    networks: [home("home", { ...FIRST, killAt: 0.3 }, { ...THE_OTHERS, clients: 10 }), outside(SEEDER)],
    megabytes: 16,
    quick: true,
  },
  {
    name: "leaving-seeders",
    about: "Two seeders at home leave before anybody there has the file; one is outside",
    networks: [
      home("home", { ...SEEDER, clients: 2, leaveAt: 3 }, { clients: 10 }),
      outside(SEEDER, { clients: 3 }),
    ],
    megabytes: 24,
  },
  {
    name: "no-home",
    about: "All clients are in no peer group",
    networks: [
      { name: "other1", uplinkMbit: UPLINK_MBIT, crews: [{ clients: 8 }] },
      { name: "other2", uplinkMbit: UPLINK_MBIT, crews: [{ clients: 8 }] },
      outside(SEEDER),
    ],
    megabytes: 16,
  },
  {
    name: "homes-and-strangers",
    about: "Three homes of different priority, and eight strangers who are given outside peers first",
    networks: [
      ...threeHomes({ clients: 6 }).map((network, priority) => ({ ...network, priority })),
      outside(SEEDER, { clients: 8 }),
    ],
    megabytes: 16,
    btrt: { selection: { home: "group", strangers: "outside_first" } },
  },
  {
    name: "swarm-200",
    about: "Three homes of sixty, eighteen strangers and two seeders outside",
    networks: [
      ...threeHomes({ clients: 60, arrive: [0, 8] }).map((network) => ({ ...network, uplinkMbit: 75 })),
      outside({ ...SEEDER, clients: 2 }, { clients: 18, arrive: [0, 8] }),
    ],
    megabytes: 4,
    btrt: EACH_A_HOME,
    copies: { most: 1.5, share: 0.5 },
  },
  smallSwarm(2),
  smallSwarm(5),
  smallSwarm(10),
  {
    name: "encrypted-utp",
    about: "The flash crowd with encryption and µTP",
    ...FLASH_CROWD,
    clients: { encryption: "forced", utp: true },
  },
  {
    name: "seldom-announced",
    about:
      "The flash crowd with clients that announce when they start and when they have the file, and not between",
    ...FLASH_CROWD,
    clients: { reannounceSeconds: 0 },
    btrt: { ...EACH_A_HOME, tracker: { interval: 1800, peer_expiry: 3900 } },
  },
  {
    name: "peer-exchange",
    about: "The flash crowd with clients that tell each other whom they know",
    ...FLASH_CROWD,
    clients: { pex: true },
    reportOnly: true,
  },
  {
    name: "public-tracker",
    about: "The flash crowd with clients that ask a public tracker, too",
    ...FLASH_CROWD,
    clients: { publicTracker: true },
    reportOnly: true,
  },
  ...GATE_SCENARIOS,
];
