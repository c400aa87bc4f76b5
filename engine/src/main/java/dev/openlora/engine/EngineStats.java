package dev.openlora.engine;

/** Counters and gauges of an engine at one moment. Totals grow from its start. */
public record EngineStats(
    int waiting,
    int running,
    int kvPagesTotal,
    int kvPagesUsed,
    int kvPagesCached,
    long promptTokensTotal,
    long cachedPromptTokensTotal,
    long outputTokensTotal,
    long stepsTotal,
    int adaptersPerStepMax,
    long preemptionsTotal,
    long finishedTotal,
    long cancelledTotal,
    long failedTotal) {}
