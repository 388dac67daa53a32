"""A Pipecat bot whose finished conversations go to Aftercall. The lines that it needs for that are marked."""

import os

import aftercall  # 1
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner


def hand_over_when_finished(worker: PipelineWorker, context: LLMContext, call_id: str) -> None:
    @worker.event_handler("on_pipeline_finished")  # 2
    async def hand_over(_worker: PipelineWorker, _frame: object) -> None:  # 3
        async with aftercall.AsyncClient() as client:  # 4
            await client.send(aftercall.from_pipecat(context, id=call_id))  # 5


async def bot(arguments: RunnerArguments) -> None:
    # Services that your bot has; they are imported here, since each needs an extra of pipecat's.
    from pipecat.services.cartesia.tts import CartesiaTTSService
    from pipecat.services.deepgram.stt import DeepgramSTTService
    from pipecat.services.openai.llm import OpenAILLMService

    transport = await create_transport(
        arguments, {"webrtc": lambda: TransportParams(audio_in_enabled=True, audio_out_enabled=True)}
    )
    context = LLMContext([{"role": "system", "content": "You take table bookings. Be brief."}])
    pair = LLMContextAggregatorPair(context)
    steps = [
        transport.input(),
        DeepgramSTTService(api_key=os.environ["DEEPGRAM_API_KEY"]),
        pair.user(),
        OpenAILLMService(api_key=os.environ["OPENAI_API_KEY"]),
        CartesiaTTSService(api_key=os.environ["CARTESIA_API_KEY"], voice_id=os.environ["CARTESIA_VOICE_ID"]),
        transport.output(),
        pair.assistant(),
    ]
    worker = PipelineWorker(Pipeline(steps))
    hand_over_when_finished(worker, context, call_id=arguments.session_id or "")
    runner = WorkerRunner(handle_sigint=arguments.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
