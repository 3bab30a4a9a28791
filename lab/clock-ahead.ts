/**
 * Loaded before BTRT: its clock goes half a second ahead. libtorrent announces when a second begins, and the tracker
 * counts whole seconds: on the edge, ages are off by one at random. In life that is nothing, and here a third of the
 * time between two announces.
 */
Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + 500 });
