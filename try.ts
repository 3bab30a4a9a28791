import { Random } from "./src/model/random.ts";
import { dayOfTorrent } from "./lab/simulator/population.ts";
import { simulate } from "./lab/simulator/swarm.ts";
import { leastEntered } from "./lab/simulator/bound.ts";
import { DEFAULT_SELECTION, DEFAULT_SETTINGS } from "./lab/simulator/simulated-tracker.ts";
const eff = Number(process.argv[2] ?? 0.5);
for (const size of [0.5,1,2,4,8,16,32,64,128,256]) {
  const n = Math.ceil(Math.max(4, Math.min(200, 400/size))*eff);
  const sum: Record<string, number> = {};
  const add=(k:string,v:number)=>{sum[k]=(sum[k]??0)+v};
  for (let i=0;i<n;i++){
    const random = new Random([1, Math.round(size*1000), i, 1]);
    for (let s=0;s<16;s++) random.next();
    const plan = dayOfTorrent(size, random, {rush:false, publicTracker:false});
    const seed = random.next();
    for (const policy of ["random","bridged"] as const) {
      const r = simulate(plan, {policy, selection: DEFAULT_SELECTION, settings: DEFAULT_SETTINGS}, seed);
      add(policy, r.homes[0].entered);
      add(policy+"down", r.homes[0].downloaded);
      const own = leastEntered(plan, r.clients[0], 1);
      if (own > r.homes[0].entered*1.0001+1) console.log("VIOLATION", size,i,policy, own, r.homes[0].entered);
      if (policy==="random") for (const p of [1,1.1,1.5,2,Infinity]) add("bound"+p, leastEntered(plan, r.clients[0], p));
    }
  }
  const d=sum.randomdown;
  console.log(size, n, "random",(100*sum.random/d).toFixed(1), "bridged",(100*sum.bridged/sum.bridgeddown).toFixed(1), ...[1,1.1,1.5,2,Infinity].map(p=>`p${p} ${(100*sum["bound"+p]/d).toFixed(1)}`), "bridged's share of saving(1.1)", ((sum.random-sum.bridged)/(sum.random-sum["bound1.1"])).toFixed(2));
}
