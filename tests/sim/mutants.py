#!/usr/bin/env python3
"""Breaks the core in small ways, one at a time: the simulation must see each.

mutants.py SOURCE_ROOT COMPILER LIBRARY...
"""
import pathlib
import subprocess
import sys
import tempfile

# what is broken: file of daemon/core, what stands there, what stands there then
MUTANTS = {
    "the gate opens before that is committed": (
        "trial.c", "\tattempt_move(st, a, ATTEMPT_RUNNING);\n", ""),
    "an attempt that never started gets a new number": (
        "trial.c", "\t\ta->relaunches++;\n",
        "\t\ta->relaunches++;\n\t\ta->rec.number = ++t->rec.attempts;\n"),
    "a stopped attempt is not told again after a restart": (
        "trial.c", "\telse\n\t\tfx_signal(st->fx, FX_TERMINATE, &a->rec);\n}\n\nvoid",
        "}\n\nvoid"),
    "a trial that was asked to end gets its grace again": (
        "trial.c", "\telse if (term_ms >= a->rec.started_boot_ms && term_ms <= st->at.boot_ms)\n"
        "\t\tbegin_grace(st, t, term_ms);\n", ""),
    "the grace begins anew with the daemon": (
        "trial.c", "\t\tbegin_grace(st, t, term_ms);\n", "\t\tbegin_grace(st, t, st->at.boot_ms);\n"),
    "what was given up stays so when its search is extended": (
        "search.c", "\tpause_take_back(st, s);\n", ""),
    "what was given up goes on without its curve after a load": (
        "load.c", "return pause_was_given_up(t) ||", "return"),
    "what is run again goes on with the curve that it had": (
        "runs.c", "\ttrial_forget_curve(t);\n", ""),
    "what is left of a budget begins anew when a user runs it again": (
        "runs.c", "int64_t first = is_part ? t->rec.runs : t->first;", "int64_t first = t->first;"),
    "a checkpoint is written to that others go on from": (
        "search.c", "t->rec.lineage.generation > 0 && t->rec.state == TRIAL_DONE", "false"),
    "one retry too many": (
        "trial.c", "t->rec.tries <= t->search->spec->retries",
        "t->rec.tries <= t->search->spec->retries + 1"),
    "a reboot uses up a retry": (
        "trial.c", "\t\tend.again = true;\n", "\t\tend.retry = true;\n"),
    "the offset stays behind its metrics": (
        "trial.c", "\ta->rec.offset = ev->output.offset;\n", ""),
    "metrics are saved twice": (
        "trial.c", "\tcopy_metrics(&m, ev->output.metrics, ev->output.n,\n",
        "\tcopy_metrics(&m, ev->output.metrics, ev->output.n, 0);\n"
        "\tfx_save_metrics(st->fx, m);\n"
        "\tcopy_metrics(&m, ev->output.metrics, ev->output.n,\n"),
    "output is read before the gate opens": (
        "trial.c", "\tif (a->rec.state == ATTEMPT_LAUNCHING)\n\t\treturn;\n",
        ""),
    "what has ended is stopped": (
        "trial.c", "\tverdict.stop &= !is_rest;\n", ""),
    "a shutdown launches again": (
        "trial.c", "a->relaunch_boot_ms != 0 && !c->shutting_down",
        "a->relaunch_boot_ms != 0"),
    "SIGKILL comes early": (
        "trial.c", "term_ms + t->search->spec->grace_ms",
        "term_ms + t->search->spec->grace_ms / 2"),
    "SIGKILL never comes": (
        "trial.c", "\t\tbegin_grace(st, t, st->at.boot_ms);\n", "\t\t;\n"),
    "no timeout": (
        "trial.c", "return timeout_of(t);", "return INT64_MAX;"),
    "a value from an earlier attempt": (
        "trial.c", "\t\ttrial_forget_curve(t);\n\t}\n", "\t}\n"),
    "brackets are compared with each other": (
        "runs.c", "&s->levels[t->first * s->spec->runs + run]", "&s->levels[run]"),
    "all trials begin with the least of a budget": (
        "trial.c", "\tt->first = halving_first(s->spec, t->rec.number);\n", ""),
    "what waits to be among the best runs on after a load": (
        "load.c", "\tif (r->state == TRIAL_QUEUED && pause_is_meant(r->reason))\n\t\tpause_begin(t);\n\telse if",
        "\tif"),
    "who waits goes on, however bad": (
        "pause.c", "in_any_case ? NULL : is_promoted", "NULL"),
    "a search ends in vain while the best one waits": (
        "pause.c", "return s->results.n == 0 && s->wanted == 0", "return s->n == 0 && s->wanted == 0"),
    "who waits is forgotten when the search ends": (
        "search.c", "\tpause_give_up(st, s);\n", ""),
    "nobody looks again for who may go on": (
        "trial.c", "\tpause_changed(s);\n\tif (!trial_state_is_final(to))", "\tif (!trial_state_is_final(to))"),
    "a trial that goes on leaves its metrics behind": (
        "trial.c", "\ta->rec.curve = t->curve_of;\n", "\ta->rec.curve = a->rec.number;\n"),
    "a trial that goes on twice leaves its metrics behind": (
        "trial.c", "\ta->rec.curve = t->curve_of;\n",
        "\ta->rec.curve = goes_on ? a->rec.number - 1 : a->rec.number;\n"),
    "a trial that runs anew goes on with the curve of before": (
        "trial.c", "\t\tt->curve_of = a->rec.number;\n",
        "\t\tt->curve_of = t->curve_of > 0 ? t->curve_of : a->rec.number;\n"),
    "where the metrics of a trial are is lost on load": (
        "load.c", "\t\tt->curve_of = r->curve;\n", "\t\tt->curve_of = r->number;\n"),
    "a trial that waits loses its curve": (
        "trial.c", "\telse if (end.pause)\n\t\tpause_trial", "\telse if (trial_forget_curve(t), end.pause)\n\t\tpause_trial"),
    "a kill comes to nothing while a trial is paused": (
        "trial.c", "\t\tif (!pause_is_meant(a->rec.stop_reason))\n\t\t\treturn;\n", "\t\treturn;\n"),
    "a sampler takes what waits for what runs": (
        "suggest.c", "t->is_paused ? FATE_PRUNED : FATE_RUNNING", "FATE_RUNNING"),
    "a trial that waited has used up its retries": (
        "trial.c", "\tt->rec.tries = 0;\n\tpause_begin(t);\n", "\tpause_begin(t);\n"),
    "what a trial is to go on with is lost on load": (
        "load.c", "\tif (goes_on(t))\n\t\tt->checkup = checkup_new(s->spec);\n", ""),
    "a timeout is lost on load": (
        "load.c", "\ta->rec = *r;\n",
        "\ta->rec = *r;\n\ta->rec.started_boot_ms = INT64_MAX / 2;\n"),
    "the queue is lost on load": (
        "load.c", "\t\tTAILQ_INSERT_TAIL(&s->queue, t, queue);\n", "\t\t;\n"),
    "a search of members that all run is exhausted": (
        "suggest.c", "s->exhausted = !found_all && !s->sampler->waits;", "s->exhausted = !found_all;"),
    "a population is at its end when one member is": (
        "search.c", "s->members_over == s->spec->population", "s->members_over > 0"),
    "a search waits on when a trial has ended": (
        "suggest.c", "\tt->search->waits = false;\n", ""),
    "a search waits with news for its sampler": (
        "suggest.c", " && s->sampler->waits && STAILQ_EMPTY(&s->untold);",
        " && s->sampler->waits;"),
    "a sampler is told no parents": (
        "suggest.c", "\t\t.lineage = r->lineage,\n", ""),
    "a trial has no parent": (
        "suggest.c", "\tt->rec.lineage = p->rationale.lineage;\n", ""),
    "what is tried first is of no member": (
        "search.c", "\t\tif (spec->population > 0)\n\t\t\tt->rec.lineage", "\t\tif (false)\n\t\t\tt->rec.lineage"),
    "after a copy there is no timeout": (
        "trial.c", "\ta->copied_boot_ms = begin;\n", ""),
    "what waits between two runs is lost on load": (
        "load.c", "\t\tTAILQ_INSERT_HEAD(&s->queue, t, queue);\n", "\t\t;\n"),
    "results of runs are lost on load": (
        "load.c", "\tif (is_whole)\n", "\tif (false)\n"),
    "a run is over when it has failed": (
        "trial.c", "\tif (end->state != TRIAL_DONE)\n\t\treturn;\n",
        "\tif (end->state != TRIAL_DONE && !isfinite(result_of(t)))\n\t\treturn;\n"),
    "a trial is done after its first run": (
        "trial.c", "end->state != TRIAL_DONE || !runs_are_left(t)",
        "end->state != TRIAL_DONE || true"),
    "a trial waits no more after a run": (
        "trial.c", "\ttrial_move(st, t, TRIAL_QUEUED, \"\");\n"
        "\tTAILQ_INSERT_HEAD(&t->search->queue, t, queue);\n",
        "\ttrial_move(st, t, TRIAL_QUEUED, \"\");\n"),
    "a race is never run": (
        "trial.c", "\truns_judge(t, &verdict);\n", ""),
    "nothing tells why a race was lost": (
        "trial.c", "\t\tsearch_event(st, t->search, t, pauses ? \"pause\" : \"stop\",\n"
        "\t\t\t     verdict.text, verdict.data);\n", "\t\t;\n"),
    "a race is run against the worse": (
        "runs.c", "wilcoxon_judge(s->spec, &t->results, &s->best->results,",
        "wilcoxon_judge(s->spec, &s->best->results, &t->results,"),
    "a run has the number of the attempt": (
        "trial.c", "\ta->rec.run = t->rec.runs;\n", "\ta->rec.run = t->rec.attempts - 1;\n"),
    "repeats go to all trials": (
        "runs.c", " && !is_enough(t);", ";"),
    "repeats go to the worse": (
        "runs.c", "score_of(s->spec->goal, t->rec.value) >", "score_of(s->spec->goal, t->rec.value) <"),
    "fewer repeats than there must be": (
        "runs.c", "t->rec.runs >= s->spec->runs_min", "t->rec.runs + 1 >= s->spec->runs_min"),
    "the tries of a run count against the next": (
        "runs.c", "\tt->rec.runs++;\n\tt->rec.tries = 0;\n", "\tt->rec.runs++;\n"),
    "the value is that of the latest run": (
        "runs.c", "\t\tset_mean(t);\n", "\t\tt->rec.value = result;\n"),
    "the error is the deviation": (
        "runs.c", "sqrt(sum / (n - 1) / n)", "sqrt(sum / (n - 1))"),
    "a trial that is retried keeps its runs": (
        "search.c", "\truns_retry(t);\n", ""),
    "a run that is on changes the mean": (
        "trial.c", "\tif (t->rec.runs > t->first)\n\t\treturn;\n", ""),
    "a stop that comes with the end of a run is too late": (
        "trial.c", "\t\treturn t->rec.runs + 1 == t->search->spec->runs;\n",
        "\t\treturn true;\n"),
    "a sampler does not know how many runs there were": (
        "suggest.c", "seen.runs = r->runs;", "seen.runs = 0;"),
    "the results of budgets are many of one": (
        "levels.c", "\tseen->runs = 0;\n", ""),
    "a sampler takes the number of a run for its budget": (
        "levels.c", "search_level(spec, run)", "run"),
    "results of all budgets make one model": (
        "levels.c", "n == 0 || t->results.points[n - 1].step != run", "n == 0"),
    "a model is of the least budget for ever": (
        "suggest.c", "\t\tif (run != s->told_run)\n", "\t\tif (false)\n"),
    "of results with more of a budget only new trials tell": (
        "suggest.c", "\ts->told_run = run;\n\tfor (size_t i = 0; i < s->n; i++)\n"
        "\t\tsuggest_changed(s->trials[i]);\n", "\ts->told_run = run;\n"),
    "a trial that was imported counts with any budget": (
        "levels.c", "is_whole(t, seen) && run == spec->runs - 1", "is_whole(t, seen)"),
    "a trial that had less has a result": (
        "levels.c", "\t\tseen->fate = FATE_SHORT;\n", "\t\t;\n"),
    "a maximum of a budget is told as a minimum": (
        "levels.c", "score_of(spec->goal, result)", "result"),
    "the value is the mean of all budgets": (
        "runs.c", "spec->runs > 1 && spec->budget.name == NULL", "spec->runs > 1"),
    "all have all of a budget": (
        "runs.c", "\tif (s->spec->budget.name != NULL)\n", "\tif (s->spec->budget.name != NULL && s->n == 0)\n"),
    "a budget is judged by the run to come": (
        "runs.c", "runs_level(t, t->rec.runs - 1), ret", "runs_level(t, t->rec.runs - (runs_level(t, t->rec.runs)->n == 0)), ret"),
    "a maximum is given more of a budget as a minimum": (
        "runs.c", "\t\tsorted_add(runs_level(t, t->rec.runs),\n\t\t\t   score_of(spec->goal, result));\n",
        "\t\tsorted_add(runs_level(t, t->rec.runs), result);\n"),
    "results of a budget are lost on load": (
        "runs.c", "\t\tsorted_append(runs_level(t, run), score_of(spec->goal, result));\n",
        "\t\t;\n"),
    "results of a budget are in no order on load": (
        "runs.c", "\t\tsorted_finish(&s->levels[i]);\n", "\t\t;\n"),
    "counts are wrong after a load": (
        "load.c", "\ts->counts[TRIAL_QUEUED]--;\n", ""),
    "the best trial is forgotten on load": (
        "load.c", "\t\tsearch_load_end(s, t);\n", "\t\t;\n"),
    "configurations are tried twice": (
        "trial.c",
        "\tseen_add(&s->seen, space_hash(s->spec->space, config));\n", ""),
    "slots are not counted": (
        "schedule.c", "first->spec->cpus <= free_slots", "free_slots < 1000"),
    "\"parallel\" is not looked at": (
        "schedule.c", "s->open + s->wanted < parallel", "parallel > 0"),
    "a search that never fits holds up the others": (
        "schedule.c", " &&\n\t       s->spec->cpus <= s->core->options.slots;",
        ";"),
    "the cursor is not saved": (
        "schedule.c",
        "\tfx_save_search(st->fx, &s->rec, &s->queued_save);\n", ""),
    "a search stays open when all is done": (
        "schedule.c", "search_budget(s) == 0);", "search_budget(s) < 0);"),
    "slots of what is being chosen are given away": (
        "schedule.c", "(s->open + s->wanted) * s->spec->cpus",
        "s->open * s->spec->cpus"),
    "what is being chosen does not count against \"parallel\"": (
        "schedule.c", "s->open + s->wanted < parallel", "s->open < parallel"),
    "more is chosen than there may be trials": (
        "schedule.c", "search_budget(s) > s->wanted;", "search_budget(s) > 0;"),
    "slots are kept when nothing is chosen any more": (
        "schedule.c", "\t\tc->searches[i]->wanted = c->searches[i]->asked;\n",
        "\t\t;\n"),
    "a sampler is not told of results": (
        "trial.c", "\tsuggest_changed(t);\n\tpause_changed(s);\n",
        "\tpause_changed(s);\n"),
    "a sampler is not told of trials that were added": (
        "trial.c", "\tsuggest_changed(t);\n\treturn t;", "\treturn t;"),
    "a sampler is told of a maximum as of a minimum": (
        "suggest.c", "score_of(t->search->spec->goal, r->value)", "r->value"),
    "the machine's faults are the configuration's": (
        "suggest.c", "if (!is_of_machine(r->reason))", "if (true)"),
    "a diverged trial is told as a pruned one": (
        "suggest.c", "strcmp(r->reason, \"diverged\") == 0", "false"),
    "a trial whose value is not finite has a score": (
        "suggest.c", "r->has_value && r->kind == VALUE_FINITE)",
        "r->has_value)"),
    "a paused search goes on with what was suggested": (
        "suggest.c", "s->rec.state != SEARCH_RUNNING || ", ""),
    "a daemon that shuts down launches what was suggested": (
        "suggest.c", " || st->core->shutting_down", ""),
    "suggestions exceed the number of trials": (
        "suggest.c", "i < ev->suggested.n && search_budget(s) > 0",
        "i < ev->suggested.n"),
    "suggestions are tried twice": (
        "suggest.c", "if (!sampler_is_new(s->spec, &s->seen, p->config) &&",
        "if (false &&"),
    "the cursor stays where the suggestions began": (
        "suggest.c", "\t\ts->rec.cursor = p->cursor + 1;\n", ""),
    "a sampler believes in trials that never were": (
        "suggest.c", "if (launch_all(st, s, ev) < n || !is_next)",
        "if (launch_all(st, s, ev) > n)"),
    "a sampler counts trials otherwise when one was added": (
        "suggest.c", "< n || !is_next)", "< n)"),
    "a search is exhausted when its sampler has answered": (
        "suggest.c", "s->exhausted = !found_all && !s->sampler->waits;", "s->exhausted = true;"),
    "a search is asked for ever when nothing is left": (
        "suggest.c", "s->exhausted = !found_all && !s->sampler->waits;", "s->exhausted = false;"),
    "a new sampler is told of the latest changes alone": (
        "suggest.c", "is_untold = false;\n\t\tsuggest_changed(s->trials[i]);\n", "is_untold = false;\n"),
    "nothing tells why a configuration was chosen": (
        "suggest.c", "search_event(st, s, t, \"suggested\",",
        "search_event(st, s, t, \"chosen\","),
    "a search is freed while a worker asks its sampler": (
        "core.c", "s->open > 0 || s->sampler == NULL ||", "s->open > 0 ||"),
    "a cancelled search can be resumed": (
        "search.c", "\tif (s->rec.state != SEARCH_PAUSED)\n",
        "\tif (s->rec.state == SEARCH_FINISHED)\n"),
    "trials run on after their search": (
        "search.c", "\tstop_trials(st, s, ", "\tif (false)\n\t\tstop_trials(st, s, "),
    "adding one lifts the limit of trials": (
        "search.c", "if (was_final || search_budget(s) == 0)",
        "if (search_budget(s) == 0)"),
    "what the file starts with is not saved": (
        "search.c", "\t\tfx_save_trial(st->fx, &t->rec, &t->queued_save);\n"
        "\t\tTAILQ_INSERT_TAIL(&s->queue, t, queue);\n",
        "\t\tTAILQ_INSERT_TAIL(&s->queue, t, queue);\n"),
    "imported trials use up those of the search": (
        "import.c", "\t\ts->rec.trials_max += n;\n", "\t\t;\n"),
    "imported trials are not saved": (
        "import.c", "\tfx_save_trial(st->fx, &t->rec, &t->queued_save);\n", ""),
    "an import loses its results": (
        "import.c", "\tt->rec.has_value = row->has_value;\n", ""),
    "an import that reaches the target goes unseen": (
        "import.c", "\t\tsearch_trial_ended(st, s, s->trials[i]);\n", "\t\t;\n"),
    "trials have the reason of the failures": (
        "search.c", "to == SEARCH_FAILED ? \"failures\" : reason", "reason"),
    "max_time stands still after a reboot": (
        "core.c", "\trebase(st, s);\n", ""),
    "what runs is not adopted": (
        "core.c", "i < c->n_open; i++) {\n\t\tstruct trial *t = c->open[i];",
        "i + 1 < c->n_open; i++) {\n\t\tstruct trial *t = c->open[i];"),
    "an ended search is kept": (
        "core.c", "s->sampler == NULL ||\n\t\t    !search_state_is_final",
        "s->sampler == NULL ||\n\t\t    true || !search_state_is_final"),
    "the symptoms of an earlier attempt stay": (
        "trial.c", "\tdiagnose_forget(st, t);\n", ""),
    "a restarted daemon has no training curves": (
        "load.c", "\t\treturn load_other(s, trial, m);\n", "\t\treturn 0;\n"),
    "a restarted daemon has no validation curves": (
        "load.c", "\tif (t->checkup != NULL)\n\t\tcheckup_report(t->checkup, m, &news);\n", ""),
    "a restarted daemon has the curves of earlier runs, too": (
        "load.c", "\tif (!is_on(t, run))\n\t\treturn 0;\n", "\tif (t->attempt == NULL)\n\t\treturn 0;\n"),
    "a restarted daemon forgets what was printed last": (
        "load.c", "\tadd_replayed(s, m);\n", "\tif (m->step % 5 != 4)\n\t\tadd_replayed(s, m);\n"),
    "symptoms are not counted on load": (
        "load.c", "\tdiagnose_load(t, kind);\n", ""),
    "the results of others are not known after a load": (
        "load.c", "\tsorted_finish(&s->results);\n", "\ts->results.n = 0;\n"),
    "a trial that is stopped as diverged has not diverged": (
        "diagnose.c", "news->is_lost || strcmp(reason, \"diverged\") == 0", "false"),
    "an ended search has no reason": (
        "search.c", "\tsearch_event(st, s, NULL, \"end\", text, data);\n",
        "\tfree(text);\n"),
    "what was killed runs again after a restart": (
        "trial.c", "\treturn !runs_again(t, &end);\n", "\treturn true;\n"),
    "a paused search starts trials": (
        "schedule.c", "\tif (s->rec.state != SEARCH_RUNNING)\n\t\treturn false;\n\tif (!TAILQ",
        "\tif (search_state_is_final(s->rec.state))\n\t\treturn false;\n\tif (!TAILQ"),
    "\"until\" is never over": (
        "ends.c", "st->at.now_ms >= s->rec.until_ms", "st->at.now_ms < 0"),
    "\"until\" is over early": (
        "ends.c", "st->at.now_ms >= s->rec.until_ms", "st->at.now_ms + 5000 >= s->rec.until_ms"),
    "nothing wakes the core for \"until\"": (
        "ends.c", "until = s->rec.until_ms - s->core->clock_ms;", "until = INT64_MAX;"),
    "a restarted daemon does not know the clock": (
        "core.c", "\tc->clock_ms = at->now_ms - at->boot_ms;\n", ""),
    "a cost is of trials, not of slots": (
        "ends.c", "s->rec.used_ms += s->spec->cpus * elapsed_ms;", "s->rec.used_ms += elapsed_ms;"),
    "what has run costs nothing": (
        "trial.c", "\tends_count_attempt(st, t, elapsed_of(st, a, o));\n", ""),
    "what has run costs twice": (
        "ends.c", "s->rec.used_ms += s->spec->cpus * elapsed_ms;",
        "s->rec.used_ms += 2 * s->spec->cpus * elapsed_ms;"),
    "what runs costs nothing": (
        "ends.c", "\treturn s->rec.used_ms + s->spec->cpus * (n * boot_ms - started);",
        "\treturn s->rec.used_ms + 0 * (n * boot_ms - started);"),
    "a cost is not saved": (
        "ends.c", "\tfx_save_search(st->fx, &s->rec, &s->queued_save);\n", ""),
    "nothing wakes the core for a cost": (
        "ends.c", "\treturn (started + left_ms + n - 1) / n;", "\treturn INT64_MAX;"),
    "a plateau is one trial longer": (
        "ends.c", "ret->n < s->spec->stop.plateau && has_told(t)", "ret->n <= s->spec->stop.plateau && has_told(t)"),
    "a plateau is one trial shorter": (
        "ends.c", "\tif (p.n < s->spec->stop.plateau ||", "\tif (p.n + 1 < s->spec->stop.plateau ||"),
    "imported trials are part of a plateau": (
        "ends.c", "\treturn t->rec.attempts > 0 &&\n\t       (", "\treturn ("),
    "a plateau of a maximum is that of a minimum": (
        "ends.c", "score = score_of(s->spec->goal, t->rec.value);", "score = t->rec.value;"),
    "a plateau is seen by trials that fail alone": (
        "ends.c", "if (s->spec->sampler != SAMPLER_GP)", "if (s->spec->sampler != SAMPLER_GP && s->n % 2)"),
    "what was set going again is ended by its file": (
        "ends.c", " && s->rec.reopened_ms == 0;", ";"),
}


def sees(root, compiler, libraries, folder, mutant):
    """The words of the first seed that fails; None if none does."""
    name, before, after = mutant
    text = (root / "daemon/core" / name).read_text()
    if text.count(before) != 1:
        sys.exit(f"{name}: {before!r} stands there {text.count(before)} times: "
                 "bring the mutants up to date")
    source = folder / name
    source.write_text(text.replace(before, after))
    program = folder / "sim"
    subprocess.run([*compiler, "-std=c17", "-O1", "-w", "-D_GNU_SOURCE",
                    f"-I{root}", f"-I{root}/daemon", "-I/usr/include/cjson",
                    source, "-Wl,--whole-archive", libraries[0],
                    "-Wl,--no-whole-archive", *libraries[1:], "-lcjson",
                    "-lnlopt", "-lopenblas", "-lm",
                    "-o", program], check=True)
    run = subprocess.run([program, "--seeds", "1..1000"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode == 0:
        return None
    return (run.stdout.strip() or f"it dies ({run.returncode})").split("\n")[-1]


def main():
    root = pathlib.Path(sys.argv[1])
    compiler = sys.argv[2].split()
    libraries = sys.argv[3:]
    alive = 0
    with tempfile.TemporaryDirectory() as folder:
        name, text, _ = next(iter(MUTANTS.values()))
        words = sees(root, compiler, libraries, pathlib.Path(folder), (name, text, text))
        if words is not None:
            sys.exit(f"it fails unbroken, and so would see anything: {words}")
        for what, mutant in MUTANTS.items():
            words = sees(root, compiler, libraries, pathlib.Path(folder), mutant)
            print(f"{what}: {words or 'NOBODY SAW IT'}", flush=True)
            alive += words is None
    print(f"{len(MUTANTS)} mutants, {alive} alive")
    sys.exit(alive > 0)


main()
