/**
 * Loaded before BTRT: sets its clock half a second ahead. libtorrent announces when a second begins, and the tracker
 * counts whole seconds. Otherwise ages would randomly be off by one second, which is a third of the time between two
 * announces here.
 */
Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + 500 });
